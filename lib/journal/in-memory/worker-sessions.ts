import type { HeartbeatAnswer, OwnedActor, RescueAnswer, ServedWorkflow, WorkerSession } from '../journal.js';
import { REMEMBERED_DEATHS } from '../deaths.js';
import type { WorkerId } from '../ids.js';
import { type Actor, type InMemoryStore, type Session, floored } from './in-memory-store.js';

/** A run that takes its worker down with it is tried again at once this many times; then it must wait. */
const PATIENCE = 2;
const FIRST_DELAY = 1_000;
const LONGEST_DELAY = 300_000;

export function registerWorker(store: InMemoryStore, session: WorkerSession): void {
  const now = store.now();
  store.sessions.set(session.id, {
    session: { ...session, workflows: session.workflows.map((workflow) => ({ ...workflow })) },
    heartbeatAt: now,
    expiresAt: now + session.ttl,
    deadAt: null,
    abandoned: false,
  });
  for (const actor of store.actors.values()) {
    if (actor.namespace !== session.namespace) continue;
    if (actor.owner === null && actor.blocked !== null && actor.blocked.buildId !== session.buildId) {
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
  live.expiresAt = now + live.session.ttl;
  return {
    type: 'alive',
    now,
    owned: ownedBy(store, owner).length,
    unread: ownedActors(store, owner, 'unread'),
  };
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

/** Frees what nobody holds. */
export function endSession(store: InMemoryStore, owner: WorkerId): void {
  store.sessions.delete(owner);
  for (const actor of ownedBy(store, owner)) if (!actor.lock.held) store.free(actor);
}

export const ownedBy = (store: InMemoryStore, owner: WorkerId): readonly Actor[] =>
  [...store.actors.values()].filter((actor) => actor.owner === owner);

export function rescueActors(store: InMemoryStore, namespace: string): RescueAnswer {
  const now = store.now();
  const deadWorkers: WorkerId[] = [];
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
  for (const actor of stranded) countLostTurn(store, actor);
  return { deadWorkers, freedActors: stranded.length };
}

/** A process that is gone counts only together with missed heartbeats: it may just have lost a connection. */
function isGone(session: Session, now: number): boolean {
  const missed = now - session.heartbeatAt > 2 * session.session.heartbeatInterval;
  return session.expiresAt <= now || (session.abandoned && missed);
}

function countLostTurn(store: InMemoryStore, actor: Actor): void {
  countDeath(store, actor);
  actor.failedTurns += 1;
  const further = actor.failedTurns - PATIENCE - 1;
  if (further >= 0) {
    const delay = Math.min(FIRST_DELAY * 2 ** further, LONGEST_DELAY);
    actor.notBefore = floored(store.now() + delay, actor.notBefore);
  }
  store.free(actor);
}

/** Nobody died where the session was ended in order. */
function countDeath(store: InMemoryStore, actor: Actor): void {
  const died = actor.owner === null ? undefined : store.sessions.get(actor.owner);
  if (died === undefined || died.deadAt === null) return;
  const { name, host, pid, buildId } = died.session;
  actor.deaths += 1;
  actor.killed = [{ name, host, pid, buildId, at: died.deadAt, stuck: false }, ...actor.killed].slice(
    0,
    REMEMBERED_DEATHS,
  );
}
