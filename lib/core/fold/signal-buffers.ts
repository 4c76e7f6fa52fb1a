import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { HistorySize } from '../history-limits.js';
import type { CarriedSignal, Encoded } from '../history.js';
import type { Ledger } from './ledger.js';

/** A signal that nobody took yet. */
export interface BufferedSignal {
  payload: Encoded;
  /** The sequence number of its `signal_received`; of one that the run before had received its place there: −1, −2 … */
  readonly signal: number;
  /** Whether a schema has accepted it, or is being asked (F34). */
  check: 'none' | 'requested' | 'passed';
}

/** A request to apply a schema to a signal. Whoever holds the run does so, and feeds what it says (F34). */
export interface SignalCheck {
  readonly signal: number;
  readonly name: string;
  readonly payload: Encoded;
  /** The one that the waiting code gave; `undefined` when that code was changed and gives none any more. */
  readonly schema: StandardSchemaV1 | undefined;
}

/** Signals of one name that arrived and that nobody took yet, the oldest first (F10, F32). */
export class SignalBuffer {
  readonly signals: BufferedSignal[] = [];
  /** How many waits are served from it. */
  waiting = 0;
  /** Of the first signal, where its check is requested. */
  #schema: StandardSchemaV1 | undefined;

  constructor(readonly name: string) {}

  /**
   * Whether the first signal can be taken by code that waits for it with this schema. If no schema has seen it, a check is
   * requested. Until that is answered nobody takes it, nor any signal that came after it (F34).
   */
  isReady(ledger: Ledger, schema: StandardSchemaV1 | undefined): boolean {
    const [first] = this.signals;
    if (!first || first.check === 'requested') return false;
    if (first.check === 'passed' || !ledger.needsCheck(first.signal, schema !== undefined)) return true;
    const { signal } = first;
    const asked = { type: 'signal_check_requested', at: ledger.now, name: this.name, signal } as const;
    if (ledger.record(asked) === null) return false;
    first.check = 'requested';
    this.#schema = schema;
    return false;
  }

  get requested(): SignalCheck | null {
    const [first] = this.signals;
    if (first?.check !== 'requested') return null;
    return { signal: first.signal, name: this.name, payload: first.payload, schema: this.#schema };
  }

  accept(payload: Encoded): void {
    const [first] = this.signals;
    if (first) Object.assign(first, { payload, check: 'passed' });
  }

  /** The oldest payload; only asked for when there is one. */
  take(): Encoded {
    return this.signals.shift()!.payload;
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Signals without a handler, by name. */
export class SignalBuffers {
  #buffers: Map<string, SignalBuffer> | null = null;
  #rivals: Set<string> | null = null;

  /** Which signals one scope has waited for twice at a time, since this fold began to write. */
  get rivals(): ReadonlySet<string> {
    return this.#rivals ?? NONE;
  }
  noteRival(name: string): void {
    (this.#rivals ??= new Set()).add(name);
  }

  of(name: string): SignalBuffer {
    this.#buffers ??= new Map();
    let buffer = this.#buffers.get(name);
    if (!buffer) this.#buffers.set(name, (buffer = new SignalBuffer(name)));
    return buffer;
  }

  /** How many signals nobody took. */
  get unread(): number {
    let unread = 0;
    for (const { signals } of this.#buffers?.values() ?? []) unread += signals.length;
    return unread;
  }

  /** What would travel to a successor: how much it is, and which signal most of it is. */
  get load(): { readonly size: HistorySize; readonly most: string } {
    let entries = 0;
    let bytes = 0;
    let most = { name: '', count: 0 };
    for (const { name, signals } of this.#buffers?.values() ?? []) {
      entries += signals.length;
      for (const { payload } of signals) bytes += name.length + payload.length;
      if (signals.length > most.count) most = { name, count: signals.length };
    }
    return { size: { entries, bytes }, most: most.name };
  }

  /** The first check that is requested. */
  get requested(): SignalCheck | null {
    for (const { requested } of this.#buffers?.values() ?? []) if (requested) return requested;
    return null;
  }

  /** As they travel to a successor: in the order in which they came in. A check that was asked for is asked for again there. */
  untaken(): readonly CarriedSignal[] {
    const all: { readonly name: string; readonly signal: BufferedSignal }[] = [];
    for (const { name, signals } of this.#buffers?.values() ?? [])
      for (const signal of signals) all.push({ name, signal });
    return all
      .toSorted((a, b) => orderOf(a.signal) - orderOf(b.signal))
      .map(({ name, signal: { payload, check } }) => ({
        name,
        payload,
        ...(check === 'passed' && { checked: true }),
      }));
  }

  /** Takes over what the run before had received and nobody had taken. */
  carry({ name, payload, checked }: CarriedSignal, place: number): void {
    this.of(name).signals.push({ payload, signal: -place, check: checked ? 'passed' : 'none' });
  }

  /** What is buffered, by name. */
  entries(): [name: string, payloads: readonly Encoded[]][] {
    return this.#filled(({ payload }) => payload);
  }

  /** How far what is buffered is checked, by name. */
  checks(): [name: string, checks: readonly BufferedSignal['check'][]][] {
    return this.#filled(({ check }) => check);
  }

  #filled<T>(of: (signal: BufferedSignal) => T): [name: string, of: readonly T[]][] {
    return [...(this.#buffers?.values() ?? [])].flatMap(({ name, signals }) =>
      signals.length === 0 ? [] : [[name, signals.map(of)]],
    );
  }
}

/** Those of the run before came in before all others: −1 before −2 before 1. */
const orderOf = ({ signal }: BufferedSignal): number =>
  signal < 0 ? -signal - Number.MAX_SAFE_INTEGER : signal;
