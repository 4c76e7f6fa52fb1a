import type { Encoded } from '../history.js';

/** Signals of one name that arrived and that nobody took yet, the oldest first (F10, F32). */
export interface SignalBuffer {
  readonly payloads: Encoded[];
  /** How many waits are served from it. */
  waiting: number;
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
    if (!buffer) this.#buffers.set(name, (buffer = { payloads: [], waiting: 0 }));
    return buffer;
  }

  /** How many signals nobody took. */
  get unread(): number {
    return this.entries().reduce((count, [, payloads]) => count + payloads.length, 0);
  }

  /** What is buffered, by name. */
  entries(): [name: string, payloads: readonly Encoded[]][] {
    const entries = [...(this.#buffers ?? [])].map<[string, readonly Encoded[]]>(([name, { payloads }]) => [
      name,
      payloads,
    ]);
    return entries.filter(([, payloads]) => payloads.length > 0);
  }
}
