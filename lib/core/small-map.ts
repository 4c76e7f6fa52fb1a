/**
 * A map that mostly has one entry or none, in the order of insertion. A `Map` that is emptied again and again makes a new table
 * each time; this one has a `Map` only while it has more than one entry.
 */
export class SmallMap<K, V> {
  /** The only entry. */
  #key: K | undefined;
  #value: V | undefined;
  /** All entries, when they are more than one. */
  #many: Map<K, V> | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: K): boolean {
    if (this.#many !== null) return this.#many.has(key);
    return this.#size === 1 && this.#key === key;
  }

  get(key: K): V | undefined {
    if (this.#many !== null) return this.#many.get(key);
    return this.#size === 1 && this.#key === key ? this.#value : undefined;
  }

  set(key: K, value: V): void {
    if (this.#many !== null) {
      this.#many.set(key, value);
      this.#size = this.#many.size;
    } else if (this.#size === 0 || this.#key === key) {
      this.#key = key;
      this.#value = value;
      this.#size = 1;
    } else {
      this.#many = new Map(this.#only);
      this.#many.set(key, value);
      this.#size = 2;
      this.#forgetOnly();
    }
  }

  delete(key: K): boolean {
    if (!this.has(key)) return false;
    this.#size--;
    if (this.#many === null) this.#forgetOnly();
    else if (this.#size === 0) this.#many = null;
    else this.#many.delete(key);
    return true;
  }

  /** Entries that are added while it is iterated over may be left out. */
  [Symbol.iterator](): IterableIterator<[K, V]> {
    return this.#many?.entries() ?? this.#only.values();
  }
  keys(): IterableIterator<K> {
    return this.#many?.keys() ?? this.#only.map(([key]) => key).values();
  }
  values(): IterableIterator<V> {
    return this.#many?.values() ?? this.#only.map(([, value]) => value).values();
  }

  // The casts: while the size is one, they are set.
  get #only(): [K, V][] {
    return this.#size === 1 ? [[this.#key as K, this.#value as V]] : [];
  }
  #forgetOnly(): void {
    this.#key = undefined;
    this.#value = undefined;
  }
}

/** One to look at. */
export type ReadonlySmallMap<K, V> = Omit<SmallMap<K, V>, 'set' | 'delete'>;
