import type {
  BlockedRun,
  HeartbeatAnswer,
  OwnedActor,
  RescueAnswer,
  ServedWorkflow,
  WorkerSession,
} from '../port/index.js';
import type { Instant } from '../../core/index.js';
import {
  BUILDS_OF_DEPLOYMENTS,
  DEATHS_OF_A_BLOCKED_RUN,
  FIRST_BLOCK,
  FIRST_SUSPECT_DELAY,
  LONGEST_BLOCK,
  LONGEST_SUSPECT_DELAY,
  REMEMBERED_DEATHS,
  SUSPECT_BACKOFF,
  DEATHS_OF_A_SUSPECT,
} from '../deaths.js';
import type { WorkerId } from '../ids.js';
import { type Actor, type InMemoryStore, type Session, floored } from './in-memory-store.js';

/** How often a run whose worker was lost may be claimed again at once. After that it waits, longer each time. */
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
    if (actor.owner === null && mayDoBetter(session.buildId, actor)) {
      actor.notBefore = null;
      store.free(actor);
    }
  }
}

/** Whether a blocked run is worth a try by this build: it was blocked under another one. */
function mayDoBetter(buildId: string, { blocked, deaths, killed }: Actor): boolean {
  if (blocked === null || blocked.buildId === buildId) return false;
  const builds = new Set(killed.map((worker) => worker.buildId));
  return deaths < DEATHS_OF_A_SUSPECT || (builds.size <= BUILDS_OF_DEPLOYMENTS && !builds.has(buildId));
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
  const aboard = suspectsByOwner(stranded);
  const blocked = stranded.flatMap((actor) => countLostTurn(store, actor, aboard) ?? []);
  return { deadWorkers, freedActors: stranded.length, blocked };
}

/** That the process seems to be gone counts only together with missed heartbeats: it may just have lost its connection. */
function isGone(session: Session, now: number): boolean {
  const missed = now - session.heartbeatAt > 2 * session.session.heartbeatInterval;
  return session.expiresAt <= now || (session.abandoned && missed);
}

/** Those that become suspects by this death are among them. */
function suspectsByOwner(stranded: readonly Actor[]): ReadonlyMap<WorkerId | null, number> {
  const aboard = new Map<WorkerId | null, number>();
  for (const { owner, deaths } of stranded)
    if (deaths >= DEATHS_OF_A_SUSPECT - 1) aboard.set(owner, (aboard.get(owner) ?? 0) + 1);
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
  const further = actor.failedTurns - PATIENCE - 1;
  if (further >= 0) waits(store, actor, Math.min(FIRST_DELAY * 2 ** further, LONGEST_DELAY));
  // A session that was ended in order is no death.
  const verdict =
    died !== undefined && died.deadAt !== null
      ? countDeath(store, actor, died.session, died.deadAt, aboard.get(actor.owner) ?? 0)
      : null;
  store.free(actor);
  const { workflow, workflowId, runId } = actor;
  return verdict === null ? null : { workflow, workflowId, runId, reason: verdict };
}

/** Answers why the actor is blocked from now on; `null` when it is not. */
function countDeath(
  store: InMemoryStore,
  actor: Actor,
  { name, host, pid, buildId }: WorkerSession,
  at: Instant,
  suspects: number,
): string | null {
  const wasAlone = actor.crowd === 1 && suspects === 1;
  actor.deaths += 1;
  actor.killed = [{ name, host, pid, buildId, at, stuck: false }, ...actor.killed].slice(
    0,
    REMEMBERED_DEATHS,
  );
  const further = actor.deaths - DEATHS_OF_A_SUSPECT;
  if (further < 0) return null;
  actor.crowd = suspects;
  waits(store, actor, Math.min(FIRST_SUSPECT_DELAY * SUSPECT_BACKOFF ** further, LONGEST_SUSPECT_DELAY));
  const afterBlocks = actor.deaths - DEATHS_OF_A_BLOCKED_RUN;
  if (!wasAlone || afterBlocks < 0) return null;
  waits(store, actor, Math.min(FIRST_BLOCK * 2 ** afterBlocks, LONGEST_BLOCK));
  const reason = verdictOn(actor);
  actor.blocked = { reason, since: actor.blocked?.since ?? store.now(), buildId };
  return reason;
}

function waits(store: InMemoryStore, actor: Actor, delay: number): void {
  actor.notBefore = floored(store.now() + delay, actor.notBefore);
}

function verdictOn({ deaths, killed }: Actor): string {
  const workers = killed.map(({ name, host, pid }) => `${name} (process ${pid} on ${host})`).join(', ');
  const others = deaths > killed.length ? ', and others before' : '';
  return `${deaths} workers died while they ran it: ${workers}${others}`;
}
