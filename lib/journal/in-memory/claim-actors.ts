import { GROUPS, groupOf, isSuspect } from '../rules/deaths.js';
import type { Claim, ClaimRequest, SuspectRequest } from '../port/index.js';
import type { Actor, InMemoryStore } from './in-memory-store.js';
import type { WorkerId } from '../ids.js';

/** A worker whose session is dead or unknown gets nothing: its leases would never be freed. */
export function claimActors(store: InMemoryStore, request: ClaimRequest): readonly Claim[] {
  return dueActors(store, request, store.now())
    .filter((actor) => !isSuspect(actor))
    .toSorted((a, b) => a.priority - b.priority || dueAt(a) - dueAt(b))
    .slice(0, request.limit)
    .map((actor) => lease(actor, request.owner));
}

/** The suspect that is due the longest; or, if it died in a crowd, an eighth of it. */
export function claimSuspects(store: InMemoryStore, request: SuspectRequest): readonly Claim[] {
  if (request.limit < 1) return [];
  const now = store.now();
  const [first, ...others] = dueActors(store, request, now)
    .filter((actor) => isSuspect(actor) && (actor.crowd > GROUPS || dueAt(actor) <= now - request.waited))
    .toSorted((a, b) => dueAt(a) - dueAt(b));
  if (first === undefined) return [];
  const group = Math.min(request.limit, groupOf(first));
  const beside = first.crowd > GROUPS ? others.filter(({ crowd }) => crowd >= first.crowd) : [];
  return [first, ...beside.slice(0, group - 1)].map((actor) => lease(actor, request.owner));
}

function dueActors(
  store: InMemoryStore,
  { owner, namespace, workflows }: ClaimRequest,
  by: number,
): readonly Actor[] {
  if (store.liveSession(owner) === undefined) return [];
  return [...store.actors.values()].filter(
    (actor) =>
      actor.owner === null &&
      !actor.lock.held &&
      dueAt(actor) <= by &&
      actor.namespace === namespace &&
      workflows.some(({ name, version }) => name === actor.workflow && version === actor.version),
  );
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
    lineage: actor.lineage,
    deadlines: actor.deadlines,
  };
}
