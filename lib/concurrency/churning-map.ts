/**
 * A map that is added to and deleted from all the time, of values that hold much. A `Map` leaves a chain of old tables behind, each
 * with what was in it when it was replaced, and minor garbage collections free none of that. Here the tables have places only,
 * and a place lets go of its value when it is deleted.
 */
export class ChurningMap<K, V> {
  readonly #places = new Map<K, { value: V | undefined }>();

  get size(): number {
    return this.#places.size;
  }
  has(key: K): boolean {
    return this.#places.has(key);
  }
  get(key: K): V | undefined {
    return this.#places.get(key)?.value;
  }

  set(key: K, value: V): void {
    const place = this.#places.get(key);
    if (place) place.value = value;
    else this.#places.set(key, { value });
  }

  delete(key: K): boolean {
    const place = this.#places.get(key);
    if (!place) return false;
    place.value = undefined;
    return this.#places.delete(key);
  }

  keys(): IterableIterator<K> {
    return this.#places.keys();
  }
  *values(): IterableIterator<V> {
    // The cast: what is in the map has its value.
    for (const place of this.#places.values()) yield place.value as V;
  }
}
