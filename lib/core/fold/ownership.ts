import type { Ambient } from './async-scope.js';

/**
 * To which run a rejection or a throw belongs that nobody caught (F24): the run whose window is open; outside
 * windows, the one that AsyncLocalStorage names; otherwise none, and the process goes on as if we were not there.
 *
 * One variable for the process, because a window has the process for itself (F1).
 */
export interface Accountable {
  /** A promise was rejected and nobody handles it (yet). */
  rejectionFloats(reason: unknown, promise: object, inWindow: boolean): void;
  /** Somebody handles it now. */
  rejectionHandled(promise: object): void;
  /** A callback threw: the window is closed at once, before anything else runs (F1). */
  callbackThrew(error: unknown): void;
  /** Something that is not durable was begun in a window of its own: a timer, a request (F13). */
  foreignBegan(operation: string): void;
}

let windowOwner: Accountable | null = null;
const floating = new WeakMap<object, Accountable>();

export function windowOpens(run: Accountable): void {
  windowOwner = run;
}

export function windowCloses(run: Accountable): void {
  if (windowOwner === run) windowOwner = null;
}

/** `false`: it is no run's. */
export function rejection(reason: unknown, promise: object, ambient?: Ambient): boolean {
  const owner = windowOwner ?? ambient?.run;
  if (!owner) return false;
  // What a query has left behind harms nobody (F21).
  if (!windowOwner && ambient?.readOnly) return true;
  floating.set(promise, owner);
  owner.rejectionFloats(reason, promise, windowOwner !== null);
  return true;
}

export function rejectionHandled(promise: object): boolean {
  const owner = floating.get(promise);
  owner?.rejectionHandled(promise);
  return owner !== undefined;
}

export function thrown(error: unknown, ambient?: Ambient): boolean {
  const owner = windowOwner ?? ambient?.run;
  if (!owner) return false;
  if (windowOwner || !ambient?.readOnly) owner.callbackThrew(error);
  return true;
}

/** Whether workflow code runs right now. */
export const windowIsOpen = (): boolean => windowOwner !== null;

/** Called by the tracer of development when workflow code begins something foreign (F13, F30). */
export const foreignBegan = (operation: string): void => windowOwner?.foreignBegan(operation);

/** Whether a rejection or throw that comes up now would be some run's. */
export const isOwned = (ambient?: Ambient): boolean => windowOwner !== null || ambient !== undefined;
