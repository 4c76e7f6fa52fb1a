import type { Instant } from '../../core/index.js';
import { JournalRefusedError } from '../errors.js';
import { asRunId } from '../ids.js';
import type { RunId } from '../ids.js';
import { isUuid } from './ids.js';

/** A page of a list has at most so many runs. */
export const LARGEST_PAGE = 1_000;

export const isPageSize = (limit: number): boolean =>
  Number.isInteger(limit) && limit >= 1 && limit <= LARGEST_PAGE;

/** Throws {@link JournalRefusedError} for a page that is too large or has no room. */
export function refusePageSize(limit: number): void {
  if (!isPageSize(limit))
    throw new JournalRefusedError(`A page has 1 to 1,000 runs; ${limit} were asked for.`);
}

/** Where a page ended: the place of its last run in the order of starts. */
export interface RunPlace {
  readonly startedAt: Instant;
  readonly runId: RunId;
}

export const encodeCursor = ({ startedAt, runId }: RunPlace): string =>
  Buffer.from(JSON.stringify([startedAt, runId])).toString('base64url');

/** Throws {@link JournalRefusedError} for what no page gave. */
export function decodeCursor(cursor: string): RunPlace {
  const place = parse(Buffer.from(cursor, 'base64url').toString());
  const [startedAt, runId] = Array.isArray(place) ? (place as readonly unknown[]) : [];
  if (typeof startedAt === 'number' && typeof runId === 'string' && isUuid(runId)) {
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
