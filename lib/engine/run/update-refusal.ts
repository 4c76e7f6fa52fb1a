import type { Codec, Encoded, UpdateVerdict } from '../../core/index.js';
import type { InboxMessage, RefusalReason, UpdateRefusal } from '../../journal/index.js';
import { inAscii } from '../activities/returned-result.js';

/** What is told of an update that was not accepted. */
export function refusalOf(
  message: InboxMessage,
  verdict: Exclude<UpdateVerdict, { type: 'accepted' }>,
  codec: Codec,
): UpdateRefusal {
  const { name } = message;
  switch (verdict.type) {
    case 'refused':
      return refusal(message, 'validator', codec.encodeFailure(verdict.error));
    case 'unknown':
      return refusal(
        message,
        'unknown',
        codec.encodeFailure(
          Object.assign(new Error(`There is no update "${name}".`), { known: verdict.known }),
        ),
      );
    case 'too many':
      return refused(message, 'too many', 'Too many updates are open.', codec);
    case 'not running':
    case 'continued':
      return refused(message, verdict.type, `The run takes no update "${name}" any more.`, codec);
    default:
      return verdict satisfies never;
  }
}

/** @param issues what the schema of the update says of its payload, as the codec wrote it */
export const refusedBySchema = (message: InboxMessage, issues: Encoded, codec: Codec): UpdateRefusal =>
  refused(message, 'schema', String(codec.decode(issues)), codec);

const refused = (message: InboxMessage, why: RefusalReason, text: string, codec: Codec): UpdateRefusal =>
  refusal(message, why, codec.encodeFailure(new Error(text)));

/** In ASCII: what was thrown chose the words, and the encoding of the database may lack some of their characters. */
const refusal = ({ updateId }: InboxMessage, why: RefusalReason, failure: string): UpdateRefusal =>
  // Every update has an id.
  ({ updateId: updateId!, why, failure: inAscii(failure) });
