import { AsyncResource } from 'node:async_hooks';

/** What such a resource is called in `async_hooks`. */
export const ROOT_TYPE = 'CONTINUUM';

/**
 * An empty asynchronous context: no AsyncLocalStorage has a store in it.
 *
 * Node keeps the stores of a resource in properties under symbols of its own. If this module is loaded within a request, the
 * resource gets the stores of that request, so they are taken out again. Where a version of Node keeps them elsewhere, this is
 * the context in which the module was loaded.
 */
class RootContext extends AsyncResource {
  constructor() {
    super(ROOT_TYPE, { requireManualDestroy: true });
    for (const key of Object.getOwnPropertySymbols(this)) {
      // Numbers are the ids of the resource.
      if (typeof Reflect.get(this, key) !== 'number') Reflect.set(this, key, undefined);
    }
  }
}

const root = new RootContext();

/** `enterWith` writes into the resource that runs: each call gets one of its own, and the root stays empty. */
const fresh = (): AsyncResource => new AsyncResource(ROOT_TYPE, { requireManualDestroy: true });

/** A context without any store, for work that goes on over many calls: whatever one of them puts there stays there. */
export const emptyContext = (): AsyncResource => root.runInAsyncScope(fresh);

/**
 * Calls a function outside every asynchronous context. Work that one caller begins and others share (a phase, a batch, a
 * timer), and whatever a caller only wakes, runs there: a run must see nothing of who started or signalled it (F25).
 */
export function inRootContext<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
  return root.runInAsyncScope(fresh).runInAsyncScope(fn, undefined, ...args);
}
