import type { Instant } from '../../core/index.js';
import { JournalRefusedError } from '../errors.js';
import { asRunId } from '../ids.js';
import type { RunId } from '../ids.js';

/** Where a page ended: the place of its last run in the order of starts. */
export interface RunPlace {
  readonly startedAt: Instant;
  readonly id: RunId;
}

export const encodeCursor = ({ startedAt, id }: RunPlace): string =>
  Buffer.from(JSON.stringify([startedAt, id])).toString('base64url');

export function decodeCursor(cursor: string): RunPlace {
  const place = parse(Buffer.from(cursor, 'base64url').toString());
  if (!Array.isArray(place)) throw invalid(cursor);
  const [startedAt, id] = place as readonly unknown[];
  if (typeof startedAt !== 'number' || typeof id !== 'string' || place.length !== 2) throw invalid(cursor);
  return { startedAt, id: asRunId(id) };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const invalid = (cursor: string): JournalRefusedError =>
  new JournalRefusedError(
    `A cursor is what an earlier page gave as its \`cursor\`; "${cursor.slice(0, 60)}" is none. Begin again without a cursor.`,
  );
