import { setImmediate } from 'node:timers';
import { isOwned, rejection, rejectionHandled, thrown } from '../../core/index.js';
import { asyncScope } from './async-scope.js';

type Emit = typeof process.emit;

let users = 0;
let release: (() => void) | null = null;

/**
 * Gives rejections and throws that nobody caught to the run they belong to (F24). Everything else, Node's defaults
 * and every `--unhandled-rejections` mode included, stays as it was.
 *
 * Several engines share one guard. Returns what ends this one's share.
 */
export function guardProcess(): () => void {
  if (users++ === 0) release = override(realProcess());
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    if (--users > 0) return;
    release?.();
    release = null;
  };
}

/**
 * The process itself: a test runner puts a copy in its place, whose events never come (F26). Functions of Node's own
 * timers belong to the realm of the real one.
 */
function realProcess(): NodeJS.Process {
  // No text from outside is evaluated, and the function returns that realm's global.
  return (setImmediate.constructor as FunctionConstructor)('return process')() as NodeJS.Process;
}

function override(target: NodeJS.Process): () => void {
  const own = Object.getOwnPropertyDescriptor(target, 'emit');
  // Called with the process as its receiver, below.
  // oxlint-disable-next-line typescript/unbound-method
  const before = target.emit;
  let active = true;
  const guarded = function (this: NodeJS.Process, ...args: unknown[]): boolean {
    if (active && isTaken(args)) return true;
    return Reflect.apply(before, this, args) as boolean;
  } as Emit;
  target.emit = guarded;
  return () => {
    active = false;
    // Whoever has wrapped it since keeps a wrapper around one that only passes on.
    if (target.emit !== guarded) return;
    if (own) Object.defineProperty(target, 'emit', own);
    else Reflect.deleteProperty(target, 'emit');
  };
}

function isTaken([event, first, second]: readonly unknown[]): boolean {
  switch (event) {
    case 'unhandledRejection':
      return rejection(first, second as object, asyncScope.store());
    case 'rejectionHandled':
      return rejectionHandled(first as object);
    case 'uncaughtException':
      // With --unhandled-rejections=strict a rejection comes as an exception first, and then as itself.
      if (second === 'unhandledRejection') return isOwned(asyncScope.store());
      return thrown(first, asyncScope.store());
    default:
      return false;
  }
}
