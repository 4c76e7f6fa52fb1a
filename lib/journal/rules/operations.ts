import { JournalRefusedError } from '../errors.js';
import type { CallbackSettlement, Message, NewOperation, OperationFacts } from '../port/index.js';

/** What the row of a message says of it. The payload of a signal or an update stays in history, and is not copied. */
export function factsOfMessage({ kind, name, dedupeId, reason }: Message): OperationFacts {
  return {
    ...(kind !== 'cancel' && name !== null && { name }),
    ...(dedupeId !== null && { dedupeId }),
    ...(reason != null && { reason }),
  };
}

/** What the row of a settlement says of it. */
export const factsOfSettlement = ({ callback }: CallbackSettlement): OperationFacts =>
  callback.by === 'key' ? { name: callback.key } : {};

export const verbOf = ({ news }: CallbackSettlement): 'complete' | 'fail' =>
  news === 'completed' ? 'complete' : 'fail';

/** The kinds of messages that somebody outside asks for. Nobody asks for the others: runs and their work send them. */
export type AskedKind = Extract<Message['kind'], NewOperation['verb']>;

export const isAsked = (
  message: Message,
): message is Message & { readonly kind: AskedKind; readonly by: string } =>
  message.by != null && (message.kind === 'signal' || message.kind === 'update' || message.kind === 'cancel');

/** Where a page ended: rows are numbered in the order in which they were written. */
export const encodeOperationCursor = (id: number): string =>
  Buffer.from(JSON.stringify([id])).toString('base64url');

/** Throws {@link JournalRefusedError} for what no page gave. */
export function decodeOperationCursor(cursor: string): number {
  const [id] = parse(Buffer.from(cursor, 'base64url').toString());
  if (typeof id === 'number' && Number.isSafeInteger(id) && id > 0) return id;
  throw new JournalRefusedError(
    `A cursor is what an earlier page gave as its \`cursor\`; "${cursor.slice(0, 60)}" is none. Begin again without a cursor.`,
  );
}

function parse(text: string): readonly unknown[] {
  try {
    const parsed: unknown = JSON.parse(text);
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}
