import { sameJson, summarizeFailure } from '../../core/index.js';
import type { FailureSummary, HistoryEntry, UpdateAnswered } from '../../core/index.js';
import { type RunPlace, decodeCursor, encodeCursor, refusePageSize } from '../rules/pages.js';
import { refuseUnstorableFilter } from '../rules/storable.js';
import type {
  AttributeCondition,
  InboxMessage,
  ListQuery,
  Loaded,
  LoadRequest,
  RunDescription,
  RunFilter,
  RunOutcome,
  RunPage,
  RunRef,
  UpdateAnswer,
  UpdateRef,
} from '../port/index.js';
import type { RunId } from '../ids.js';
import type { InMemoryStore, Run } from './in-memory-store.js';
import { servedBy } from './worker-sessions.js';

export function loadRun(store: InMemoryStore, request: LoadRequest): Loaded {
  const { historyAfter, historyThrough, inboxAfter } = request;
  const history = store.runs.get(request.runId)?.history ?? [];
  const inbox = store.actors.get(request.actorId)?.inbox ?? [];
  return {
    history: historyAfter === null ? [] : history.slice(historyAfter, historyThrough).map(parseEntry),
    messages:
      inboxAfter === null
        ? []
        : inbox
            .filter((message) => message.n > inboxAfter)
            .map((message) => withAttributes(message, store.runs.get(request.runId))),
  };
}

function withAttributes(message: InboxMessage, run: Run | undefined): InboxMessage {
  const attributes = message.kind === 'start' ? parseAttributes(run?.attributes ?? null) : null;
  return attributes === null ? { ...message } : { ...message, attributes };
}

export function describeRef(store: InMemoryStore, ref: RunRef): RunDescription | null {
  const runs = store.runsOf(ref.namespace, ref.workflowId);
  // The open one is not the latest where it was opened again.
  const open = store.openActor(ref.namespace, ref.workflowId)?.runId;
  const id = ref.runId ?? open ?? runs.at(-1)?.id;
  const run = runs.find((one) => one.id === id);
  return run === undefined ? null : describeRun(store, run);
}

export function outcomeOf(store: InMemoryStore, runId: RunId): RunOutcome | null {
  const run = store.runs.get(runId);
  const last = run?.history.at(-1);
  if (run === undefined || run.state === 'running' || last === undefined) return null;
  return { run: describeRun(store, run), last: parseEntry(last) };
}

export function answerOf(store: InMemoryStore, { namespace, workflowId, updateId }: UpdateRef): UpdateAnswer {
  const update = store.updateOf(namespace, workflowId, updateId);
  if (update === undefined) return { type: 'unknown' };
  const { answer, actorId } = update;
  if (answer === null) return store.actors.has(actorId) ? { type: 'open' } : { type: 'gone' };
  if ('why' in answer) return { type: 'refused', refusal: answer };
  const entry = parseEntry(store.runs.get(answer.runId)!.history[answer.seq - 1]!);
  // The cast: that is where it was recorded.
  return { type: 'answered', entry: entry as UpdateAnswered };
}

export function listRuns(store: InMemoryStore, { filter, order, cursor, limit }: ListQuery): RunPage {
  refusePageSize(limit);
  const after = cursor === null ? null : decodeCursor(cursor);
  const direction = order === 'oldest' ? 1 : -1;
  const rest = runsMatching(store, filter)
    .toSorted((a, b) => direction * compare(placeOf(a), placeOf(b)))
    .filter((run) => after === null || direction * compare(placeOf(run), after) > 0);
  const runs = rest.slice(0, limit);
  const last = runs.at(-1);
  return {
    runs: runs.map((run) => describeRun(store, run)),
    next: last !== undefined && rest.length > limit ? encodeCursor(placeOf(last)) : null,
  };
}

export function countRuns(store: InMemoryStore, filter: RunFilter): number {
  return runsMatching(store, filter).length;
}

function runsMatching(store: InMemoryStore, filter: RunFilter): readonly Run[] {
  refuseUnstorableFilter(filter);
  return [...store.runs.values()].filter((run) => matches(store, run, filter));
}

const placeOf = ({ startedAt, id }: Run): RunPlace => ({ startedAt, runId: id });

const compare = (a: RunPlace, b: RunPlace): number =>
  a.startedAt - b.startedAt || (a.runId < b.runId ? -1 : Number(a.runId > b.runId));

function matches(store: InMemoryStore, run: Run, filter: RunFilter): boolean {
  const { workflow, workflowId, state, startedAfter, startedBefore, attributes, conditions } = filter;
  return (
    run.namespace === filter.namespace &&
    (workflow === undefined || [workflow].flat().includes(run.workflow)) &&
    (workflowId === undefined || run.workflowId === workflowId) &&
    (state === undefined || (typeof state === 'string' ? run.state === state : state.includes(run.state))) &&
    (filter.served === undefined || (run.state === 'running' && servedBy(store, [run])[0] === false)) &&
    (startedAfter === undefined || run.startedAt > startedAfter) &&
    (startedBefore === undefined || run.startedAt < startedBefore) &&
    (attributes === undefined || hasAttributes(parseAttributes(run.attributes), attributes)) &&
    (conditions === undefined || meets(parseAttributes(run.attributes) ?? {}, conditions))
  );
}

function hasAttributes(
  actual: Readonly<Record<string, unknown>> | null,
  wanted: Readonly<Record<string, unknown>>,
): boolean {
  return Object.entries(wanted).every(
    ([name, value]) =>
      value === undefined || (actual !== null && name in actual && sameJson(actual[name], value)),
  );
}

const meets = (
  actual: Readonly<Record<string, unknown>>,
  conditions: readonly AttributeCondition[],
): boolean =>
  conditions.every((condition) => {
    const { name } = condition;
    if (!Object.hasOwn(actual, name)) return false;
    if (condition.is === 'in') return condition.values.some((value) => sameJson(actual[name], value));
    const order = orderOf(actual[name], condition.value);
    return order !== null && HOLDS[condition.is](order);
  });

const HOLDS = {
  '>': (order: number) => order > 0,
  '>=': (order: number) => order >= 0,
  '<': (order: number) => order < 0,
  '<=': (order: number) => order <= 0,
} as const;

/** `null`: they are of two kinds, or of one that has no order. */
function orderOf(actual: unknown, value: string | number): number | null {
  if (typeof actual === 'number' && typeof value === 'number') return actual - value;
  if (typeof actual !== 'string' || typeof value !== 'string') return null;
  // By bytes of UTF-8, whose order is that of code points, as the collation "C" has it.
  return Buffer.compare(Buffer.from(actual), Buffer.from(value));
}

function describeRun(store: InMemoryStore, run: Run): RunDescription {
  const open = store.actors.get(run.actorId);
  const actor = open?.runId === run.id ? open : undefined;
  const blocked = actor?.blocked ?? null;
  const failedTurns = actor?.failedTurns ?? 0;
  const deaths = actor?.deaths ?? 0;
  return {
    namespace: run.namespace,
    workflowId: run.workflowId,
    runId: run.id,
    actorId: run.actorId,
    workflow: run.workflow,
    version: run.version,
    state: run.state,
    startedAt: run.startedAt,
    closedAt: run.closedAt,
    continuedTo: run.continuedTo,
    deadlineAt: run.deadlineAt,
    notBefore: actor?.notBefore ?? null,
    attributes: parseAttributes(run.attributes),
    details: run.details,
    lineage: run.lineage,
    blocked: blocked === null ? null : { reason: blocked.reason, since: blocked.since, failedTurns },
    failure: failureOf(run),
    deaths: deaths === 0 ? null : { count: deaths, workers: [...(actor?.killed ?? [])] },
    inbox:
      actor === undefined
        ? null
        : { arrived: actor.inboxSeq, consumed: actor.inboxConsumed, owner: actor.owner },
  };
}

function failureOf({ state, history }: Run): FailureSummary | null {
  const last = state === 'failed' ? history.at(-1) : undefined;
  const entry = last === undefined ? undefined : parseEntry(last);
  return entry?.type === 'run_failed' ? summarizeFailure(entry.failure) : null;
}

// The casts: this is the text that the store itself wrote from values of these types.
const parseEntry = (text: string): HistoryEntry => JSON.parse(text) as HistoryEntry;
const parseAttributes = (text: string | null): Readonly<Record<string, unknown>> | null =>
  text === null ? null : (JSON.parse(text) as Readonly<Record<string, unknown>>);
