import type { Encoded, EncodedFailure } from './history.js';

/**
 * Turns values into JSON text and back (F8). Plain JSON stays plain JSON, so that a history can be read in SQL;
 * Date, Map, Set, BigInt, undefined, -0, NaN, typed arrays, URL, RegExp and errors survive as well.
 *
 * Equal values give equal text, and `encode(decode(text)) === text`: matching compares text (F7).
 */
export interface Codec {
  /** Throws {@link UnstorableValueError} with the path of what cannot be stored. */
  encode(value: unknown): Encoded;
  decode(text: Encoded): unknown;
  /**
   * As {@link encode}, for what Continuum itself puts together of values that were stored before: no limit that is set for
   * users is met, and what was stored once can be stored together with others.
   */
  encodeOwn(value: unknown): Encoded;
  /** Never throws: what cannot be stored of an error is left out, and what is no error is wrapped. */
  encodeFailure(error: unknown): EncodedFailure;
  /** An error of the class it had, where this process knows the class; otherwise an `Error` with that name. */
  decodeFailure(text: EncodedFailure): unknown;
}
