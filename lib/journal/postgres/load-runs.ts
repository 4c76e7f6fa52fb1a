import type { HistoryEntry } from '../../core/index.js';
import { JournalError } from '../errors.js';
import type { InboxMessage, Loaded, LoadRequest } from '../port/index.js';
import { numberArray, uuidArray, uuidOrNil } from './array-literals.js';
import { toEntry, toInboxMessage } from './row-mapping.js';
import { loadHistory } from './sql/load-history.js';
import { loadInbox } from './sql/load-inbox.js';
import type { StatementRunner } from './statement.js';

/** No sequence number is higher. */
const LAST = 2 ** 31 - 1;

/** Reads histories and inboxes. Both statements begin after the claim was committed, and so see all that it saw. */
export async function load(
  sql: StatementRunner,
  requests: readonly LoadRequest[],
): Promise<readonly Loaded[]> {
  const histories = await loadHistories(sql, requests);
  const inboxes = await loadInboxes(sql, requests);
  return requests.map((request) => ({
    history: histories.get(request) ?? [],
    messages: inboxes.get(request) ?? [],
  }));
}

async function loadHistories(
  sql: StatementRunner,
  requests: readonly LoadRequest[],
): Promise<ReadonlyMap<LoadRequest, readonly HistoryEntry[]>> {
  const asked = requests.filter((request) => request.historyAfter !== null);
  const histories = new Map(asked.map((request) => [request, [] as HistoryEntry[]]));
  if (asked.length === 0) return histories;
  const rows = await sql.run(loadHistory, {
    runIds: uuidArray(asked.map((request) => uuidOrNil(request.runId))),
    after: numberArray(asked.map((request) => request.historyAfter)),
    through: numberArray(asked.map(({ historyThrough = LAST }) => historyThrough)),
  });
  for (const { ordinal, ...row } of rows) {
    const request = asked[ordinal - 1] as LoadRequest;
    const history = histories.get(request) as HistoryEntry[];
    if (row.seq !== (request.historyAfter ?? 0) + history.length + 1) {
      throw new JournalError(`The history of run ${request.runId} has a gap in front of entry ${row.seq}.`);
    }
    history.push(toEntry(row));
  }
  return histories;
}

export async function loadInboxes(
  sql: StatementRunner,
  requests: readonly Pick<LoadRequest, 'actorId' | 'inboxAfter'>[],
): Promise<ReadonlyMap<unknown, readonly InboxMessage[]>> {
  const asked = requests.filter((request) => request.inboxAfter !== null);
  const inboxes = new Map(asked.map((request) => [request, [] as InboxMessage[]]));
  if (asked.length === 0) return inboxes;
  const rows = await sql.run(loadInbox, {
    actorIds: uuidArray(asked.map((request) => uuidOrNil(request.actorId))),
    after: numberArray(asked.map((request) => request.inboxAfter)),
  });
  for (const { ordinal, ...row } of rows)
    inboxes.get(asked[ordinal - 1] as LoadRequest)?.push(toInboxMessage(row));
  return inboxes;
}
