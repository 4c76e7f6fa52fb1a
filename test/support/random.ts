/** Repeatable chance for tests: the same seed gives the same numbers (mulberry32). */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  /** From 0 up to 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  /** A whole number from 0 up to `n`. */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }
  happens(share: number): boolean {
    return this.next() < share;
  }
  pick<T>(items: readonly T[]): T {
    // Callers have at least one item.
    return items[this.below(items.length)]!;
  }
}

/** The seed of this test run: `CONTINUUM_SEED`, or a new one. Print it. */
export function testSeed(): number {
  const given = process.env['CONTINUUM_SEED'];
  return given === undefined ? Math.floor(Math.random() * 1e9) : Number(given);
}
