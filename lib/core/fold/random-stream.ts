/**
 * Random numbers that are the same at every replay (F9): the small fast counting generator of 128 bits ("sfc32"),
 * started from a text. How numbers follow from the text is part of the semantics version (F29).
 */
export class RandomStream {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: string) {
    [this.#a, this.#b, this.#c] = [hash(seed, 0x9e3779b9), hash(seed, 0x85ebca6b), hash(seed, 0xc2b2ae35)];
    for (let i = 0; i < 15; i++) this.#next();
  }

  /** From 0 up to 1, with all the bits that a number holds. */
  number(): number {
    const high = this.#next() >>> 5;
    const low = this.#next() >>> 6;
    return (high * 0x4000000 + low) / 0x20000000000000;
  }

  /** Version 4. */
  uuid(): string {
    const words = [this.#next(), this.#next(), this.#next(), this.#next()] as const;
    const hex = words.map((word) => word.toString(16).padStart(8, '0')).join('');
    const variant = ((words[2] >>> 28) & 0x3) | 0x8;
    return [
      hex.slice(0, 8),
      hex.slice(8, 12),
      `4${hex.slice(13, 16)}`,
      variant.toString(16) + hex.slice(17, 20),
      hex.slice(20),
    ].join('-');
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}

/** 32 bits of a text: FNV-1a over its UTF-16 units, then mixed. */
function hash(text: string, basis: number): number {
  let h = basis | 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return h ^ (h >>> 16);
}
