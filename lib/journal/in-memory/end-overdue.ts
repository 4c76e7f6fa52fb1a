import type { OverdueAnswer, OverdueRequest, OverdueRun } from '../port/index.js';
import { firstDeadline } from '../rules/deadlines.js';
import { OVERDUE_FOR, endingOf } from '../rules/overdue.js';
import type { Actor, InMemoryStore } from './in-memory-store.js';
import { closeChildren, tellParent } from './outbox.js';
import { loadRun } from './read-runs.js';

/** Ends runs that nobody serves, those first whose limit passed first. */
export function endOverdue(store: InMemoryStore, request: OverdueRequest): OverdueAnswer {
  const overdue = [...store.actors.values()]
    .filter((actor) => actor.namespace === request.namespace && isOverdue(store, actor))
    .toSorted((a, b) => deadlineOf(a) - deadlineOf(b));
  const ended = overdue.slice(0, request.limit).map((actor) => endOne(store, actor, request));
  return { ended, more: overdue.length > ended.length, trouble: null };
}

const deadlineOf = (actor: Actor): number => firstDeadline(actor.deadlines) ?? Infinity;

function isOverdue(store: InMemoryStore, actor: Actor): boolean {
  const since = store.now() - OVERDUE_FOR;
  return (
    actor.owner === null &&
    !actor.closing &&
    !actor.lock.held &&
    deadlineOf(actor) < since &&
    ![...store.sessions.values()].some(
      ({ session, expiresAt }) =>
        expiresAt > since &&
        session.namespace === actor.namespace &&
        session.workflows.some(({ name, version }) => name === actor.workflow && version === actor.version),
    )
  );
}

function endOne(store: InMemoryStore, actor: Actor, { failure }: OverdueRequest): OverdueRun {
  const { id: actorId, runId, workflow, workflowId } = actor;
  const { history, messages } = loadRun(store, {
    actorId,
    runId,
    historyAfter: 0,
    inboxAfter: actor.inboxConsumed,
  });
  const unread = messages.filter(({ kind }) => kind === 'signal').length;
  const entry = endingOf(history, store.now(), failure, unread);
  store.append(store.runOf(actor), [entry]);
  // A new token, so that a late turn of an earlier holder can tell this close from one of its own.
  store.callbacks.endOf(actor.runId);
  store.close(actor, 'timed_out', actor.token + 1);
  tellParent(store, actor, 'timed_out', failure);
  closeChildren(store, actor);
  return { workflow, workflowId, runId, rollback: entry.rollback };
}
