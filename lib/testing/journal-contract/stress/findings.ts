import type { HistoryEntry } from '../../../core/index.js';
import type { ActorId, InboxMessage, RunDescription, RunId } from '../../../journal/index.js';
import { HOUR, NAMESPACE, SECOND } from '../scenario.js';
import { type Mark, type StressRecord, markOf } from './stress-record.js';

/** A run as it was left behind. */
export interface Found {
  readonly run: RunDescription;
  readonly history: readonly HistoryEntry[];
  /** Of the run that has the actor now. */
  readonly inbox: readonly InboxMessage[];
  readonly marks: readonly Mark[];
}

/** Where a message was found: consumed, or still in the inbox. */
export interface Place {
  readonly n: number;
  readonly kind: string;
  readonly name: string | null;
  readonly dedupeId: string | null;
  /** By which mark it was consumed. */
  readonly mark: Mark | null;
}

/** All the runs of one actor, each the successor of the one before. */
export interface Chain {
  readonly actorId: ActorId;
  readonly workflowId: string;
  readonly runs: readonly Found[];
  readonly last: Found;
  readonly open: boolean;
  /** Every message that it had, in order, but those that begin its later runs. */
  readonly places: readonly Place[];
  /** As far as its inbox is consumed. */
  readonly consumed: number;
}

export interface Findings {
  readonly found: readonly Found[];
  readonly runs: ReadonlyMap<RunId, Found>;
  readonly chains: ReadonlyMap<ActorId, Chain>;
}

/** Reads everything, when nobody holds anything any more and everything was delivered. */
export async function findAll(record: StressRecord): Promise<Findings> {
  await record.harness.elapse(HOUR);
  await record.harness.journal.rescue(NAMESPACE);
  await deliverAll(record);
  const found = await readAll(record);
  const byActor = new Map<ActorId, Found[]>();
  for (const one of found) byActor.set(one.run.actorId, [...(byActor.get(one.run.actorId) ?? []), one]);
  return {
    found,
    runs: new Map(found.map((one) => [one.run.runId, one])),
    chains: new Map([...byActor].map(([actorId, runs]) => [actorId, chainOf(record, actorId, runs)])),
  };
}

async function deliverAll({ harness }: StressRecord): Promise<void> {
  for (let more = true; more;) {
    // What was held is put off for a moment.
    await harness.elapse(SECOND);
    const delivery = await harness.journal.deliver(NAMESPACE, 200);
    more = delivery.done > 0 || delivery.more || delivery.held;
  }
}

async function readAll({ harness: { journal } }: StressRecord): Promise<readonly Found[]> {
  const found: Found[] = [];
  for (let cursor: string | null = null; ;) {
    const filter = { namespace: NAMESPACE };
    const page = await journal.list({ filter, order: 'oldest', cursor, limit: 100 });
    const loaded = await journal.load(page.runs.map((run) => ({ ...run, historyAfter: 0, inboxAfter: -2 })));
    page.runs.forEach((run, i) => {
      const { history, messages } = loaded[i] ?? { history: [], messages: [] };
      // The inbox of a run that continued is its successor's.
      const inbox = run.state === 'continued' ? [] : messages;
      found.push({ run, history, inbox, marks: history.flatMap(markOf) });
    });
    if (page.next === null) return found;
    cursor = page.next;
  }
}

function chainOf(record: StressRecord, actorId: ActorId, found: readonly Found[]): Chain {
  const runs = inOrder(record, found);
  const last = runs.at(-1)!;
  const { workflowId } = last.run;
  const places: Place[] = [];
  runs.forEach((one, i) => {
    const consumed = one.marks.flatMap((mark): readonly Place[] =>
      mark.n === null ? [] : [{ ...mark, n: mark.n, kind: mark.kind ?? '', mark }],
    );
    const left = one.inbox.map(({ n, kind, name, payload }): Place => {
      return { n, kind, name, dedupeId: kind === 'start' ? null : payload, mark: null };
    });
    const all = [...consumed, ...left];
    const before = runs[i - 1];
    if (before) checkBeginning(record, before, one, all.shift(), places.at(-1)?.n ?? 0);
    places.push(...all);
  });
  const read = places.filter(({ mark }) => mark !== null).length;
  // Of a successor that has not begun the start is unread, which has the number of the latest message before it.
  const hasBegun = runs.length === 1 || last.marks.some(({ kind }) => kind === 'start');
  const consumed = hasBegun ? read : read - 1;
  return { actorId, workflowId, runs, last, open: last.run.state === 'running', places, consumed };
}

function inOrder(record: StressRecord, found: readonly Found[]): readonly Found[] {
  const byId = new Map<string, Found>(found.map((one) => [one.run.runId, one]));
  const successors = new Set(found.map(({ run }) => run.continuedTo));
  const firsts = found.filter(({ run }) => !successors.has(run.runId));
  const runs: Found[] = [];
  for (let one = firsts[0]; one && !runs.includes(one); one = byId.get(one.run.continuedTo ?? ''))
    runs.push(one);
  if (runs.length !== found.length)
    record.violated('the runs of an actor are no chain', { runs: found.map(({ run }) => run) });
  return runs.length > 0 ? runs : found;
}

/** A successor begins with its start, which comes before everything that is unread. */
function checkBeginning(
  record: StressRecord,
  before: Found,
  { run }: Found,
  start: Place | undefined,
  consumed: number,
): void {
  // Terminated before it began, its inbox went with it.
  if (start === undefined && run.state === 'terminated') return;
  if (start?.kind !== 'start' || start.n !== consumed || start.name !== before.run.runId)
    record.violated('a run that goes on begins otherwise', { run, start, consumed });
}
