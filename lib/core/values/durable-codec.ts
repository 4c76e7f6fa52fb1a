import type { Codec } from '../codec.js';
import { readError, readFailure } from './failure-reader.js';
import { writeError, writeFailure } from './failure-writer.js';
import { DEEPEST_VALUE, readValue, writeValue } from './value-text.js';

/** What Continuum puts values into has no more levels than this. */
const OWN_LEVELS = 10;

/**
 * The codec of every history: plain JSON where the value is plain, devalue's flat form where it is not.
 * What it writes is covered by the semantics version (F29): other texts for the same values are drift to recorded runs.
 */
export const durableCodec: Codec = {
  encode: (value) => writeValue(value, writeError),
  decode: (text) => readValue(text, readError),
  encodeOwn: (value) => writeValue(value, writeError, DEEPEST_VALUE + OWN_LEVELS),
  encodeFailure: writeFailure,
  decodeFailure: readFailure,
};
