import type { Claim, ClaimRequest } from '../journal.js';
import type { Actor, InMemoryStore } from './in-memory-store.js';
import type { WorkerId } from '../ids.js';

/** A worker whose session is dead or unknown gets nothing: nobody would ever take it back. */
export function claimActors(store: InMemoryStore, request: ClaimRequest): readonly Claim[] {
  if (store.liveSession(request.owner) === undefined) return [];
  const now = store.now();
  const known = (actor: Actor): boolean =>
    actor.namespace === request.namespace &&
    request.workflows.some(({ name, version }) => name === actor.workflow && version === actor.version);
  return [...store.actors.values()]
    .filter((actor) => actor.owner === null && !actor.lock.held && dueAt(actor) <= now && known(actor))
    .toSorted((a, b) => a.priority - b.priority || dueAt(a) - dueAt(b))
    .slice(0, request.limit)
    .map((actor) => lease(actor, request.owner));
}

const dueAt = (actor: Actor): number => actor.wakeAt ?? Infinity;

function lease(actor: Actor, owner: WorkerId): Claim {
  actor.owner = owner;
  actor.token += 1;
  return {
    lease: { owner, actorId: actor.id, runId: actor.runId, token: actor.token },
    namespace: actor.namespace,
    workflowId: actor.workflowId,
    workflow: actor.workflow,
    version: actor.version,
    inboxSeq: actor.inboxSeq,
    inboxConsumed: actor.inboxConsumed,
    failedTurns: actor.failedTurns,
    deaths: actor.deaths,
  };
}
