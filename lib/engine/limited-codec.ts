import { PayloadTooLargeError } from '../core/index.js';
import type { Codec, Encoded } from '../core/index.js';

/** A codec that refuses users' values that are larger than a payload may be. Throws {@link PayloadTooLargeError}. */
export function limitedCodec(codec: Codec, maxBytes: number): Codec {
  return {
    decode: (text) => codec.decode(text),
    encodeOwn: (value) => codec.encodeOwn(value),
    encodeFailure: (error) => codec.encodeFailure(error),
    decodeFailure: (text) => codec.decodeFailure(text),
    encode(value): Encoded {
      const text = codec.encode(value);
      // A character has one to three bytes: most texts need not be counted.
      if (text.length * 3 > maxBytes) {
        const bytes = Buffer.byteLength(text);
        if (bytes > maxBytes) throw new PayloadTooLargeError(bytes, maxBytes);
      }
      return text;
    },
  };
}
