/** So many places are kept for what comes next. */
const KEPT = 32;

/** First in, first out. Unlike `Array.shift` it moves nothing. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;
  #tail = 0;

  get length(): number {
    return this.#tail - this.#head;
  }

  push(item: T): void {
    this.#items[this.#tail++] = item;
  }

  shift(): T | undefined {
    if (this.#head === this.#tail) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head++] = undefined;
    if (this.#head === this.#tail) {
      this.#head = 0;
      this.#tail = 0;
      // A short one is used again, which is cheaper than a new one.
      if (this.#items.length > KEPT) this.#items = [];
    }
    return item;
  }
}
