import { AsyncLocalStorage } from 'node:async_hooks';
import { inRootContext } from '../../concurrency/index.js';
import type { Ambient, AsyncScope } from '../../core/index.js';

export type { AsyncScope } from '../../core/index.js';

const storage = new AsyncLocalStorage<Ambient | undefined>();

/** One for the process, because rejections come without a run: who owns one is asked here (F24, F25). */
export const asyncScope: AsyncScope = {
  enter: (ambient, fn, ...args) => storage.run(ambient, fn, ...args),
  begin: (ambient, fn, ...args) => inRootContext(() => storage.run(ambient, fn, ...args)),
  store: () => storage.getStore(),
  detached: (fn) => inRootContext(fn),
};
