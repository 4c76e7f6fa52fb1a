import { patched } from '../../core/index.js';
import type { Attributes, Instant, PlainPatch, ShownChange } from '../../core/index.js';
import { JournalRefusedError } from '../errors.js';
import type { CommitAnswer, Lease, RefenceAnswer, Turn } from '../port/index.js';
import { firstDeadline } from '../rules/deadlines.js';
import { NO_DEATHS } from '../rules/deaths.js';
import type { Encoded, HistoryEntry } from '../../core/index.js';
import { letterName } from '../rules/letters.js';
import {
  type Actor,
  type InMemoryStore,
  type Lockable,
  type Run,
  type StoredUpdate,
  floored,
} from './in-memory-store.js';
import { closeChildren, sendOut, tellParent } from './outbox.js';
import { begin } from './start-runs.js';

/** The actor of a lease that is still held. */
export function heldBy(store: InMemoryStore, lease: Lease): Actor | undefined {
  const actor = store.actors.get(lease.actorId);
  const holds = actor?.runId === lease.runId && actor.owner === lease.owner && actor.token === lease.token;
  return holds ? actor : undefined;
}

/** Throws {@link JournalRefusedError} for a turn that consumes what has not arrived; in Postgres a constraint refuses it. */
export function refuseUnarrived(store: InMemoryStore, turns: readonly Turn[]): void {
  for (const turn of turns) {
    const actor = heldBy(store, turn.lease);
    if (actor !== undefined && turn.consumedThrough > actor.inboxSeq) {
      throw new JournalRefusedError(
        `A turn consumes what is in the inbox; that of run ${turn.lease.runId} consumes through ` +
          `${turn.consumedThrough}, and the latest message is ${actor.inboxSeq}.`,
      );
    }
  }
}

/** Applies one turn whole, or says why not. Whoever calls this has looked at the row's lock. */
export function applyTurn(store: InMemoryStore, turn: Turn): CommitAnswer {
  const actor = heldBy(store, turn.lease);
  if (actor === undefined) return { type: 'lost' };
  const run = store.runOf(actor);
  if (run.history.length !== turn.previousSeq) return { type: 'history lost' };
  if (turn.decides && actor.signalSeq > turn.consumedThrough) {
    return { type: 'signals unread', inboxSeq: actor.inboxSeq };
  }
  const ahead = (turn.firedUpTo ?? -Infinity) - store.now();
  if (ahead > 0) return { type: 'not due', ahead };

  if (turn.outcome.type === 'block') {
    block(store, actor, turn.outcome);
    return { type: 'applied', inboxSeq: actor.inboxSeq };
  }
  store.append(run, turn.entries);
  if (turn.shows) show(run, turn.shows);
  answerUpdates(store, actor, turn);
  consume(actor, turn.consumedThrough);
  if (turn.entries.length > 0) {
    actor.failedTurns = 0;
    actor.blocked = null;
  }
  if (turn.clearsDeaths === true) {
    Object.assign(actor, NO_DEATHS);
  }
  startChildren(store, actor, turn);
  changeCallbacks(store, actor, turn);
  sendOut(store, actor, turn.sends ?? []);
  return settle(store, actor, turn);
}

/** Whether an open transaction has started a workflow id that the turn wants for a child: then it waits. */
export const childIdsHeld = (store: InMemoryStore, turn: Turn): boolean =>
  childIds(store, turn).some(({ lock }) => lock.held);

export function childIds(store: InMemoryStore, { children = [], lease }: Turn): readonly Lockable[] {
  const actor = children.length === 0 ? undefined : heldBy(store, lease);
  return actor === undefined
    ? []
    : children.map(({ workflowId }) => store.reservation(actor.namespace, workflowId));
}

function startChildren(store: InMemoryStore, parent: Actor, { children = [], outcome }: Turn): void {
  for (const child of children) {
    const {
      runId,
      workflowId,
      command,
      lineage,
      parentClose,
      workflow,
      version,
      input,
      limits = null,
    } = child;
    const { namespace, priority } = parent;
    const accepted = store.openActor(namespace, workflowId) === undefined;
    if (accepted) {
      begin(
        store,
        {
          runId,
          namespace,
          workflowId,
          workflow,
          version,
          priority,
          input,
          startAt: null,
          onConflict: 'fail',
          onReuse: 'allow',
          attributes: null,
          limits,
          first: null,
        },
        { parent: { actorId: parent.id, runId: parent.runId, command }, lineage, parentClose },
      );
    }
    if (outcome.type === 'close' || outcome.type === 'continue' || (accepted && !child.confirms)) continue;
    const name = letterName({ runId: parent.runId, command, news: accepted ? 'accepted' : 'refused' });
    store.deliver(parent, { kind: 'child_start', name, payload: null });
  }
}

function changeCallbacks(store: InMemoryStore, actor: Actor, turn: Turn): void {
  const { opens = [], withdraws = [], endsCallbacks, outcome } = turn;
  const { runId } = actor;
  for (const command of withdraws) store.callbacks.withdraw(runId, command);
  if (endsCallbacks === true) store.callbacks.endOf(runId);
  for (const opening of opens) {
    if (store.callbacks.open(actor, opening) || outcome.type === 'close' || outcome.type === 'continue')
      continue;
    const name = letterName({ runId, command: opening.command, news: 'taken' });
    store.deliver(actor, { kind: 'callback_result', name, payload: null });
  }
}

function settle(
  store: InMemoryStore,
  actor: Actor,
  { outcome, entries, tellsParent, closesChildren }: Turn,
): CommitAnswer {
  switch (outcome.type) {
    case 'keep':
    case 'block':
      break;
    case 'roll back':
      actor.closing = true;
      break;
    case 'release': {
      const unread = actor.inboxSeq > actor.inboxConsumed;
      const wakeAt = unread ? store.now() : wakeOf(store, actor, outcome.wakeAt);
      actor.owner = null;
      actor.wakeAt = wakeAt === null ? null : floored(wakeAt, actor.notBefore);
      break;
    }
    case 'continue':
      if (closesChildren === true) closeChildren(store, actor);
      store.continueAs(actor, outcome.successor);
      if (!outcome.successor.kept) store.free(actor);
      break;
    case 'close':
      store.close(actor, outcome.state, actor.token);
      if (tellsParent === true) tellParent(store, actor, outcome.state, payloadOf(entries.at(-1)));
      if (closesChildren === true) closeChildren(store, actor);
      return { type: 'applied', inboxSeq: 0 };
    default:
      outcome satisfies never;
  }
  return { type: 'applied', inboxSeq: actor.inboxSeq };
}

function show(run: Run, { attributes, details }: ShownChange): void {
  // The casts: this is the text that the store itself wrote, and attributes are plain JSON.
  const before = JSON.parse(run.attributes ?? '{}') as Attributes;
  const after = patched(before, attributes as PlainPatch);
  if (after !== before) run.attributes = JSON.stringify(after);
  if (details !== undefined) run.details = details;
}

/** The first answer stands. */
function answerUpdates(store: InMemoryStore, { namespace, workflowId, runId }: Actor, turn: Turn): void {
  const answer = (updateId: string, it: NonNullable<StoredUpdate['answer']>): void => {
    const update = store.updateOf(namespace, workflowId, updateId);
    if (update) update.answer ??= it;
  };
  turn.entries.forEach((entry, i) => {
    if (entry.type === 'update_answered') answer(entry.updateId, { runId, seq: turn.previousSeq + 1 + i });
  });
  for (const refusal of turn.refusals ?? []) answer(refusal.updateId, refusal);
}

/** What the last entry of a run has to tell. */
const payloadOf = (last: HistoryEntry | undefined): Encoded | null =>
  last === undefined ? null : 'result' in last ? last.result : 'failure' in last ? last.failure : null;

/** A holder may not know of the limit. One that has passed it has seen, or it will not be told again. */
function wakeOf(store: InMemoryStore, actor: Actor, wakeAt: Instant | null): Instant | null {
  const deadline = firstDeadline(actor.deadlines);
  if (deadline === null || deadline <= store.now()) return wakeAt;
  return wakeAt === null ? deadline : Math.min(wakeAt, deadline);
}

function consume(actor: Actor, through: number): void {
  actor.inboxConsumed = Math.max(actor.inboxConsumed, through);
  actor.inbox = actor.inbox.filter((message) => message.n > through);
}

function block(
  store: InMemoryStore,
  actor: Actor,
  { reason, delay }: { reason: string; delay: number },
): void {
  const buildId = actor.owner === null ? null : (store.sessions.get(actor.owner)?.session.buildId ?? null);
  const now = store.now();
  actor.failedTurns += 1;
  actor.blocked = { reason, since: actor.blocked?.since ?? now, buildId };
  actor.notBefore = now + delay;
  store.free(actor);
}

/** Moves the fence first: what was sent under the old token writes nothing from here on. */
export function refenceLease(store: InMemoryStore, lease: Lease): RefenceAnswer {
  const actor = heldBy(store, lease);
  const run = store.runs.get(lease.runId);
  const lastSeq = run?.history.length ?? 0;
  if (actor !== undefined) {
    actor.token += 1;
    return {
      type: 'held',
      lease: { ...lease, token: actor.token },
      lastSeq,
      inboxConsumed: actor.inboxConsumed,
    };
  }
  if (run === undefined || run.state === 'running') return { type: 'lost', lastSeq };
  return { type: 'closed', lastSeq, token: run.closedToken };
}
