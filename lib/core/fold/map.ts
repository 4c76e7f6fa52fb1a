import { misuse } from '../misuse.js';
import { errorText, textOf } from '../thrown.js';
import type { MapOptions } from '../workflow-context.js';
import { refused } from './calls.js';
import { Deferred, never, rejected } from './deferred.js';
import type { Execution } from './execution.js';
import type { Scope } from './scope.js';
import { isCancellation } from './scope.js';
import { inScope } from './scope-calls.js';

type Work = (item: unknown, index: number) => Promise<unknown>;

/**
 * F35: all items share a scope. The first that fails decides: the others are cancelled in that window, no item begins
 * any more, and it rejects when those that had begun have settled. Until then results are kept in the order of the items.
 */
export function map(
  run: Execution,
  items: Iterable<unknown>,
  work: Work,
  options: MapOptions = {},
): Promise<unknown> {
  if (!run.admits('ctx.map')) return never();
  const scope = run.scope();
  if (scope.cancelledBy) return rejected(scope.cancelledBy.error());
  let list: readonly unknown[];
  try {
    list = listOf(items, work, options);
  } catch (error) {
    return refused(run, 'ctx.map', error);
  }
  if (list.length === 0) return Promise.resolve([]);
  run.expectCalls(list.length * CALLS_PER_ITEM);
  const mapping = new Mapping(run, scope, list, work);
  mapping.begin(Math.min(options.concurrency ?? Number.POSITIVE_INFINITY, list.length));
  return mapping.outcome.promise;
}

/** Items may all go on in one event, as when they are cancelled: so many durable calls of each are no runaway (F14). */
const CALLS_PER_ITEM = 10;

/** Code without types can hand over anything. What it does to its list later changes nothing. */
function listOf(items: Iterable<unknown>, work: unknown, { concurrency }: MapOptions): readonly unknown[] {
  if (typeof work !== 'function') {
    throw misuse(new TypeError(`ctx.map: its second argument is no function, but ${textOf(work)}.`));
  }
  if (
    concurrency !== undefined &&
    concurrency !== Number.POSITIVE_INFINITY &&
    !(Number.isInteger(concurrency) && concurrency >= 1)
  ) {
    throw misuse(
      new TypeError(`ctx.map: the concurrency is a whole number from 1, not ${textOf(concurrency)}.`),
    );
  }
  const iterable: unknown = items;
  if (typeof (iterable as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] !== 'function') {
    throw misuse(new TypeError(`ctx.map: its first argument is no list, but ${textOf(iterable)}.`));
  }
  return [...items];
}

class Mapping {
  readonly outcome = new Deferred();
  readonly #run: Execution;
  readonly #parent: Scope;
  readonly #scope: Scope;
  readonly #items: readonly unknown[];
  readonly #work: Work;
  readonly #results: unknown[];
  /** The index of the item that begins next. */
  #next = 0;
  #underWay = 0;
  #failure: { readonly index: number; readonly error: unknown } | null = null;
  /** What failed after it, though it was not cancelled: how many, and the first of them. */
  #more: { count: number; readonly index: number; readonly error: unknown } | null = null;

  constructor(run: Execution, parent: Scope, items: readonly unknown[], work: Work) {
    this.#run = run;
    this.#parent = parent;
    this.#scope = parent.cancellable();
    this.#items = items;
    this.#work = work;
    this.#results = Array.from({ length: items.length });
  }

  /** Begins so many items, all before any of them can settle, for settling takes at least one hop. */
  begin(count: number): void {
    for (let i = 0; i < count; i++) this.#beginNext();
  }

  #beginNext(): void {
    const index = this.#next++;
    this.#underWay++;
    inScope(this.#run, this.#scope, () => this.#work(this.#items[index], index)).then(
      (value) => this.#ended(index, value),
      (error: unknown) => this.#failed(index, error),
    );
  }

  #failed(index: number, error: unknown): void {
    if (!this.#run.ownWindow(ITEM)) return;
    if (this.#failure === null) {
      this.#failure = { index, error };
      this.#cancelOthers(index);
    } else if (!isCancellation(error)) {
      this.#more ??= { count: 0, index, error };
      this.#more.count++;
    }
    this.#left();
  }

  #ended(index: number, value: unknown): void {
    if (!this.#run.ownWindow(ITEM)) return;
    this.#results[index] = value;
    this.#left();
  }

  /** One item is over: the next begins, or all of them are over. */
  #left(): void {
    this.#underWay--;
    if (this.#next < this.#items.length && this.#failure === null) {
      const cancelled = this.#scope.cancelledBy;
      // An item that has caught its cancellation does not let the next one begin.
      if (cancelled === null) return this.#beginNext();
      this.#failure = { index: this.#next, error: cancelled.error() };
    }
    if (this.#underWay === 0) this.#settle();
  }

  #settle(): void {
    if (this.#failure === null) return this.outcome.resolve(this.#results);
    this.#tellMore(this.#failure.index);
    this.outcome.reject(this.#failure.error);
  }

  #cancelOthers(index: number): void {
    // What is outside a nonCancellable scope records nothing after the decision (F16).
    if (this.#run.decision !== null && !this.#parent.shielded) return;
    this.#run.cancel([this.#scope], `The item ${index} of ctx.map failed.`, 'map');
  }

  /** Nobody else would see what failed besides. */
  #tellMore(first: number): void {
    if (this.#more === null) return;
    const { count, index, error } = this.#more;
    const others = count === 1 ? 'the item' : `${count} items, the first of them`;
    const message = `ctx.map: after the item ${first} had failed, ${others} ${index} failed too: ${errorText(error)}`;
    this.#run.log('warn', message, undefined);
  }
}

const ITEM = 'An item of ctx.map';
