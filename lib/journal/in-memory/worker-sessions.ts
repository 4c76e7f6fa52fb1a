import type {
  BlockedRun,
  HeartbeatAnswer,
  OwnedActor,
  RescueAnswer,
  ServedWorkflow,
  WorkerSession,
} from '../port/index.js';
import { LOST_TURN_DELAY, countDeath, isNearlySuspect, mayDoBetter } from '../rules/deaths.js';
import { delayOf } from '../rules/growing-delay.js';
import { requireUuid } from '../rules/ids.js';
import { MISSED_HEARTBEATS } from '../rules/sessions.js';
import type { Instant } from '../../core/index.js';
import type { WorkerId } from '../ids.js';
import { type Actor, type InMemoryStore, type StoredSession, floored } from './in-memory-store.js';

export function registerWorker(store: InMemoryStore, session: WorkerSession): void {
  requireUuid('worker session', session.id);
  const now = store.now();
  store.sessions.set(session.id, {
    session: { ...session, workflows: session.workflows.map((workflow) => ({ ...workflow })) },
    heartbeatAt: now,
    expiresAt: now + session.leaseTimeout,
    deadAt: null,
    ended: false,
    abandoned: false,
    leaving: false,
  });
  for (const actor of store.actors.values()) {
    if (actor.namespace !== session.namespace) continue;
    const { owner, blocked } = actor;
    if (owner === null && blocked !== null && mayDoBetter(session.buildId, blocked.buildId, actor)) {
      actor.notBefore = null;
      store.free(actor);
    }
  }
}

export function prolongSession(store: InMemoryStore, owner: WorkerId): HeartbeatAnswer {
  const live = store.liveSession(owner);
  if (live === undefined) return { type: 'dead' };
  const now = store.now();
  live.heartbeatAt = now;
  live.expiresAt = now + live.session.leaseTimeout;
  return {
    type: 'alive',
    now,
    owned: ownedBy(store, owner).length,
    unread: ownedActors(store, owner, 'unread'),
    newer: newerThan(store, live.session),
  };
}

export function leaveSession(store: InMemoryStore, owner: WorkerId): void {
  const live = store.liveSession(owner);
  if (live !== undefined) live.leaving = true;
}

/** The newest versions that other sessions have of the workflows of this one, where it has none as new. */
function newerThan(
  store: InMemoryStore,
  { id, namespace, workflows }: WorkerSession,
): readonly { readonly name: string; readonly version: number }[] {
  const now = store.now();
  const lasting = [...store.sessions.values()].filter(
    (other) =>
      other.session.id !== id &&
      other.session.namespace === namespace &&
      other.deadAt === null &&
      other.expiresAt > now &&
      !hasMissedHeartbeats(other, now) &&
      !other.leaving,
  );
  const known = newestOf(workflows);
  const theirs = newestOf(lasting.flatMap(({ session }) => session.workflows));
  return [...theirs].flatMap(([name, version]) =>
    version > (known.get(name) ?? Infinity) ? [{ name, version }] : [],
  );
}

function newestOf(workflows: WorkerSession['workflows']): ReadonlyMap<string, number> {
  const newest = new Map<string, number>();
  for (const { name, version } of workflows) newest.set(name, Math.max(version, newest.get(name) ?? 0));
  return newest;
}

export function servedBy(store: InMemoryStore, workflows: readonly ServedWorkflow[]): readonly boolean[] {
  const now = store.now();
  const live = [...store.sessions.values()].filter(
    ({ deadAt, expiresAt }) => deadAt === null && expiresAt > now,
  );
  return workflows.map(({ namespace, workflow, version }) =>
    live.some(
      ({ session }) =>
        session.namespace === namespace &&
        session.workflows.some((served) => served.name === workflow && served.version === version),
    ),
  );
}

/** Of runs that nobody has the lease of: a holder serves its own. */
export function unservedIn(
  store: InMemoryStore,
  namespace: string,
): readonly Pick<ServedWorkflow, 'workflow' | 'version'>[] {
  const kinds = new Map<string, Pick<ServedWorkflow, 'workflow' | 'version'>>();
  for (const { namespace: of, owner, workflow, version } of store.actors.values())
    if (of === namespace && owner === null) kinds.set(`${workflow}:${version}`, { workflow, version });
  return [...kinds.values()]
    .filter((kind) => servedBy(store, [{ ...kind, namespace }])[0] === false)
    .toSorted(
      (a, b) => (a.workflow < b.workflow ? -1 : Number(a.workflow > b.workflow)) || a.version - b.version,
    );
}

export function ownedActors(
  store: InMemoryStore,
  owner: WorkerId,
  which: 'all' | 'unread',
): readonly OwnedActor[] {
  return ownedBy(store, owner)
    .filter((actor) => which === 'all' || actor.inboxSeq > actor.inboxConsumed)
    .map((actor) => ({ actorId: actor.id, token: actor.token, inboxSeq: actor.inboxSeq }));
}

export function giveBackActors(store: InMemoryStore, owner: WorkerId, actors: readonly OwnedActor[]): number {
  const free = actors.flatMap(({ actorId, token }) => {
    const actor = store.actors.get(actorId);
    return actor?.owner === owner && actor.token === token && !actor.lock.held ? [actor] : [];
  });
  for (const actor of free) store.free(actor);
  return free.length;
}

/** Frees what nobody holds. The session is kept: by it is known that a workflow was served until now. */
export function endSession(store: InMemoryStore, owner: WorkerId): void {
  const session = store.sessions.get(owner);
  if (session !== undefined) {
    session.ended = true;
    session.deadAt ??= store.now();
  }
  for (const actor of ownedBy(store, owner)) if (!actor.lock.held) store.free(actor);
}

export const ownedBy = (store: InMemoryStore, owner: WorkerId): readonly Actor[] =>
  [...store.actors.values()].filter((actor) => actor.owner === owner);

export function rescueActors(store: InMemoryStore, namespace: string): RescueAnswer {
  const now = store.now();
  const deadWorkers: WorkerId[] = [];
  forgetEnded(store, now);
  for (const [id, session] of store.sessions) {
    if (session.deadAt !== null || session.session.namespace !== namespace || !isGone(session, now)) continue;
    session.deadAt = now;
    deadWorkers.push(id);
  }
  // By owner and not by the workers just found dead: a late claim may have given an actor to one found long ago.
  const stranded = [...store.actors.values()].filter(
    (actor) =>
      actor.namespace === namespace &&
      actor.owner !== null &&
      store.liveSession(actor.owner) === undefined &&
      !actor.lock.held,
  );
  const aboard = suspectsByOwner(stranded);
  const blocked = stranded.flatMap((actor) => countLostTurn(store, actor, aboard) ?? []);
  return { deadWorkers, freedActors: stranded.length, blocked };
}

/** Those that were ended an hour ago tell nothing any more. */
function forgetEnded(store: InMemoryStore, now: Instant): void {
  for (const [id, { ended, deadAt }] of store.sessions)
    if (ended && (deadAt ?? now) < now - ENDED_FOR) store.sessions.delete(id);
}

const ENDED_FOR = 3_600_000;

/** That the process seems to be gone counts only together with missed heartbeats: it may just have lost its connection. */
function isGone(session: StoredSession, now: number): boolean {
  return session.expiresAt <= now || (session.abandoned && hasMissedHeartbeats(session, now));
}

const hasMissedHeartbeats = ({ heartbeatAt, session }: StoredSession, now: number): boolean =>
  now - heartbeatAt > MISSED_HEARTBEATS * session.heartbeatInterval;

/** Those that become suspects by this death are among them. */
function suspectsByOwner(stranded: readonly Actor[]): ReadonlyMap<WorkerId | null, number> {
  const aboard = new Map<WorkerId | null, number>();
  for (const actor of stranded)
    if (isNearlySuspect(actor)) aboard.set(actor.owner, (aboard.get(actor.owner) ?? 0) + 1);
  return aboard;
}

/** Answers with the run where that blocks it. */
function countLostTurn(
  store: InMemoryStore,
  actor: Actor,
  aboard: ReadonlyMap<WorkerId | null, number>,
): BlockedRun | null {
  const died = actor.owner === null ? undefined : store.sessions.get(actor.owner);
  actor.failedTurns += 1;
  if (actor.failedTurns >= LOST_TURN_DELAY.from)
    waits(store, actor, delayOf(LOST_TURN_DELAY, actor.failedTurns));
  // A session that was ended in order is no death.
  const verdict =
    died === undefined || died.ended || died.deadAt === null
      ? null
      : bury(store, actor, { ...died, deadAt: died.deadAt }, aboard.get(actor.owner) ?? 0);
  store.free(actor);
  const { workflow, workflowId, runId } = actor;
  return verdict === null ? null : { workflow, workflowId, runId, reason: verdict };
}

/** Counts the death of the worker that held an actor. Answers why the actor is blocked from now on; `null` when it is not. */
function bury(
  store: InMemoryStore,
  actor: Actor,
  { session, deadAt }: StoredSession & { readonly deadAt: Instant },
  suspects: number,
): string | null {
  const { name, host, pid, buildId } = session;
  // No thread can look at this store: which run a worker stood still in is not known.
  const worker = { name, host, pid, buildId, at: deadAt, stuck: false };
  const { deaths, killed, crowd, delay, verdict } = countDeath(actor, worker, suspects);
  Object.assign(actor, { deaths, killed, crowd });
  if (delay > 0) waits(store, actor, delay);
  if (verdict !== null) {
    actor.blocked = { reason: verdict, since: actor.blocked?.since ?? store.now(), buildId };
  }
  return verdict;
}

function waits(store: InMemoryStore, actor: Actor, delay: number): void {
  actor.notBefore = floored(store.now() + delay, actor.notBefore);
}
