import type { Instant } from '../../core/index.js';
import { JournalRefusedError } from '../errors.js';
import { asRunId } from '../ids.js';
import type { RunId } from '../ids.js';
import { uuidOrNil } from './array-literals.js';

/** Where a page ended: the place of its last run in the order of starts. */
export interface RunPlace {
  readonly startedAt: Instant;
  readonly runId: RunId;
}

export const encodeCursor = ({ startedAt, runId }: RunPlace): string =>
  Buffer.from(JSON.stringify([startedAt, runId])).toString('base64url');

export function decodeCursor(cursor: string): RunPlace {
  const place = parse(Buffer.from(cursor, 'base64url').toString());
  const [startedAt, runId] = Array.isArray(place) ? (place as readonly unknown[]) : [];
  if (typeof startedAt === 'number' && typeof runId === 'string' && uuidOrNil(runId) === runId) {
    return { startedAt, runId: asRunId(runId) };
  }
  throw new JournalRefusedError(
    `A cursor is what an earlier page gave as its \`cursor\`; "${cursor.slice(0, 60)}" is none. Begin again without a cursor.`,
  );
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
