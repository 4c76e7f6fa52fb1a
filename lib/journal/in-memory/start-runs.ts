import type { StartAnswer, StartRequest, TerminateAnswer, TerminateRequest } from '../port/index.js';
import { type Actor, type InMemoryStore, type Lockable, type Run, floored } from './in-memory-store.js';
import { REPLACED_BY_A_START, answerToConflict, answerToReuse } from '../rules/start-policies.js';
import { deadlinesFrom, firstDeadline, NO_DEADLINES, toldDeadlines } from '../rules/deadlines.js';
import { NO_DEATHS } from '../rules/deaths.js';
import { record } from './operations.js';
import { RowLock } from './row-lock.js';
import { closeChildren, tellParent } from './outbox.js';
import { actorOf } from '../ids.js';

type DecidedStart = Exclude<StartAnswer, { type: 'again' | 'unanswered' }>;
/** Of a start that takes nobody's place. */
type PlainStart = Exclude<DecidedStart, { type: 'debounced' }>;

/** What makes a run a child. */
export type Child = Pick<Actor, 'parent' | 'lineage' | 'parentClose'>;

/** An open run with the workflow id is a matter of `onConflict`; where there is none, `onReuse` looks at the latest one. */
export function startPlainly(store: InMemoryStore, request: StartRequest): PlainStart {
  const { namespace, workflowId } = request;
  const repeated = store.runs.get(request.runId);
  if (repeated !== undefined) {
    const deadlines = store.actors.get(repeated.actorId)?.deadlines ?? NO_DEADLINES;
    return {
      type: 'started',
      runId: repeated.id,
      token: repeated.firstToken,
      ...toldDeadlines(deadlines),
    };
  }

  const open = store.openActor(namespace, workflowId);
  if (open !== undefined) {
    const answer = answerToConflict(request.onConflict, open.runId);
    if (answer !== null) return answer;
    terminateActor(store, open, REPLACED_BY_A_START, request.by);
    return begin(store, request);
  }
  const latest = store.runsOf(namespace, workflowId).at(-1);
  const refusal = latest && answerToReuse(request.onReuse, latest.id, latest.state);
  return refusal ?? begin(store, request);
}

/**
 * What a start may have to wait for: a transaction that has started the same workflow id, and one that has locked the run that
 * it closes, or whose start it takes the place of.
 */
export function startNeeds(store: InMemoryStore, request: StartRequest): readonly Lockable[] {
  const { namespace, workflowId, runId } = request;
  if (store.runs.has(runId)) return [];
  const reservation = store.reservation(namespace, workflowId);
  const open = store.openActor(namespace, workflowId);
  const touches = request.onConflict === 'terminateExisting' || request.debounce;
  return touches && open !== undefined ? [reservation, open] : [reservation];
}

export function terminateRun(store: InMemoryStore, request: TerminateRequest): TerminateAnswer {
  const actor = terminationTarget(store, request);
  if (actor === undefined) {
    const runs = store.runsOf(request.namespace, request.workflowId);
    return {
      type: 'not running',
      known: runs.some((run) => request.runId === null || run.id === request.runId),
    };
  }
  terminateActor(store, actor, request.reason, request.by);
  return { type: 'terminated', runId: actor.runId };
}

export function terminationTarget(store: InMemoryStore, request: TerminateRequest): Actor | undefined {
  const open = store.openActor(request.namespace, request.workflowId);
  const isMeant =
    (request.runId === null || open?.runId === request.runId) &&
    (request.actorId == null || open?.id === request.actorId);
  return isMeant ? open : undefined;
}

/** Closes a run under a new token. So later turns of its holder are `lost`, and the holder can tell this close from one of its own. */
export function terminateActor(
  store: InMemoryStore,
  actor: Actor,
  reason: string | null,
  by: string | null = null,
): void {
  const told = by === null ? undefined : { by };
  store.append(store.runOf(actor), [{ type: 'run_terminated', at: store.now(), reason, ...told }]);
  if (by !== null) {
    const facts = reason === null ? {} : { reason };
    record(store, { ...placeOf(actor), verb: 'terminate', by, outcome: 'applied', facts });
  }
  store.callbacks.endOf(actor.runId);
  store.close(actor, 'terminated', actor.token + 1);
  tellParent(store, actor, 'terminated', reason === null ? null : JSON.stringify(reason));
  closeChildren(store, actor);
}

const placeOf = ({
  namespace,
  workflowId,
  runId,
}: Actor): Pick<Actor, 'namespace' | 'workflowId' | 'runId'> => ({ namespace, workflowId, runId });

/** A start that is held back may take the place of another one. */
export function startRun(store: InMemoryStore, request: StartRequest): DecidedStart {
  const open = store.openActor(request.namespace, request.workflowId);
  const mayReplace = request.debounce && open !== undefined && open.runId !== request.runId;
  return (mayReplace ? replaceStart(store, open, request) : null) ?? startPlainly(store, request);
}

/**
 * Puts a start in the place of one that was held back, and holds it back anew. `null` where there is none: no start of this
 * workflow was held back, a worker has taken the run up, or somebody has asked to cancel it.
 */
function replaceStart(store: InMemoryStore, actor: Actor, request: StartRequest): DecidedStart | null {
  const { debounced, runId } = actor;
  // Its answer was lost.
  if (debounced?.by === request.runId) return { type: 'debounced', runId };
  const isCancelled = actor.inbox.some(({ kind }) => kind === 'cancel');
  if (debounced === null || actor.token > 0 || actor.workflow !== request.workflow || isCancelled)
    return null;
  const now = store.now();
  const startAt = Math.min(now + (request.startDelay ?? 0), debounced.until);
  const deadlines = deadlinesFrom(floored(now, startAt), request.limits);
  const { version, priority, input: payload, attributes, by = null } = request;
  Object.assign(actor, {
    version,
    priority,
    notBefore: startAt,
    wakeAt: floored(now, startAt),
    deadlines,
    debounced: { ...debounced, by: request.runId },
    inbox: actor.inbox.map((message) =>
      message.kind === 'start'
        ? { n: 1, kind: 'start', name: null, payload, at: now, ...(by !== null && { by }) }
        : message,
    ),
  } satisfies Partial<Actor>);
  Object.assign(store.runOf(actor), {
    version,
    attributes: attributes === null ? null : JSON.stringify(attributes),
    deadlineAt: firstDeadline(deadlines),
  } satisfies Partial<Run>);
  if (by !== null) record(store, { ...placeOf(actor), verb: 'start', by, outcome: 'applied', facts: {} });
  return { type: 'debounced', runId };
}

/** Starts a run of which it is known that its workflow id is free. */
export function begin(store: InMemoryStore, request: StartRequest, child: Child | null = null): PlainStart {
  const { runId, namespace, workflowId, workflow, version, priority } = request;
  const now = store.now();
  // A session that is over cannot hold a lease: the run is started without one.
  const isHeld = request.first !== null && store.liveSession(request.first.owner) !== undefined;
  const first = isHeld ? request.first : null;
  const token = first === null ? 0 : 1;
  const { attributes, details } = first?.shown ?? { attributes: request.attributes, details: null };
  const startAt = request.startDelay == null ? request.startAt : now + request.startDelay;
  const deadlines = deadlinesFrom(floored(now, startAt), request.limits);
  const actor: Actor = {
    id: actorOf(runId),
    runId,
    namespace,
    workflowId,
    workflow,
    version,
    priority,
    lock: new RowLock(),
    wakeAt: floored(now, startAt),
    notBefore: startAt,
    deadlines,
    debounced: request.debounce ? { by: runId, until: now + (request.debounce.longest ?? Infinity) } : null,
    owner: first?.owner ?? null,
    token,
    inboxSeq: 0,
    inboxConsumed: 0,
    signalSeq: 0,
    inbox: [],
    closing: false,
    failedTurns: 0,
    ...NO_DEATHS,
    blocked: null,
    parent: child?.parent ?? null,
    lineage: child?.lineage ?? null,
    parentClose: child?.parentClose ?? null,
  };
  const run = {
    id: runId,
    actorId: actor.id,
    namespace,
    workflowId,
    workflow,
    version,
    startedAt: now,
    firstToken: token,
    attributes: attributes === null ? null : JSON.stringify(attributes),
    details,
    lineage: child?.lineage ?? null,
    deadlineAt: firstDeadline(deadlines),
    history: [],
    state: 'running' as const,
    closedAt: null,
    closedToken: 0,
    continuedTo: null,
  };
  store.add(actor, run);
  const { by } = request;
  if (first === null) store.deliver(actor, { kind: 'start', name: null, payload: request.input, by });
  else store.append(run, first.entries);
  if (by != null) record(store, { ...placeOf(actor), verb: 'start', by, outcome: 'applied', facts: {} });
  return { type: 'started', runId, token, ...toldDeadlines(deadlines) };
}
