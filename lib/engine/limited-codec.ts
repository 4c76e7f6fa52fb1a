import { PayloadTooLargeError } from '../core/index.js';
import type { Codec, Encoded } from '../core/index.js';

/** A codec that refuses values larger than the journal takes. Throws {@link PayloadTooLargeError}. */
export function limitedCodec(codec: Codec, maxBytes: number): Codec {
  return {
    decode: (text) => codec.decode(text),
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
