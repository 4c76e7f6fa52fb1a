import { storableText } from '../../core/index.js';
import { ContentionError, JournalError } from '../errors.js';
import type {
  BlockedRun,
  HeartbeatAnswer,
  OwnedActor,
  RescueAnswer,
  ServedWorkflow,
  WorkerSession,
} from '../port/index.js';
import type { ActorId, WorkerId } from '../ids.js';
import { requireUuid } from '../rules/ids.js';
import { numberArray, textArray, uuidArray, uuidOrNil } from './array-literals.js';
import { toInstant } from './row-mapping.js';
import { endSession } from './sql/end-session.js';
import { forgetDeadWorkers } from './sql/forget-dead-workers.js';
import { FREE_ACTORS, type FreeActors } from './sql/free-actors.js';
import { giveBackActors } from './sql/give-back-actors.js';
import { heartbeatWorker } from './sql/heartbeat-worker.js';
import { leaveWorker } from './sql/leave-worker.js';
import { markDead } from './sql/mark-dead.js';
import { newerWorkflows } from './sql/newer-workflows.js';
import { type OwnedRow, ownedActors } from './sql/owned-actors.js';
import { registerWorker } from './sql/register-worker.js';
import { servedWorkflows } from './sql/served-workflows.js';
import { unservedWorkflows } from './sql/unserved-workflows.js';
import { strandedOwners } from './sql/stranded-owners.js';
import { suspectWorkers } from './sql/suspect-workers.js';
import { unreadActors } from './sql/unread-actors.js';
import { WAKE_BLOCKED } from './sql/wake-blocked.js';
import type { StatementRunner } from './statement.js';
import { asRunId, asWorkerId } from '../ids.js';

/** Opens a session. `lockKey`: the advisory lock that this process holds for it. */
export async function register(sql: StatementRunner, worker: WorkerSession, lockKey: string): Promise<void> {
  const { id, namespace, name, host, pid, buildId, workflows, leaseTimeout, heartbeatInterval } = worker;
  const opened = await sql.run(registerWorker, {
    id,
    namespace: storableText(namespace),
    name: storableText(name),
    host: storableText(host),
    pid,
    buildId: storableText(buildId),
    workflows: JSON.stringify(workflows),
    leaseTimeout,
    heartbeatInterval,
    lockKey,
  });
  if (opened.length === 0) {
    throw new JournalError(`The worker session ${id} has been ended. Register under a new id.`);
  }
  await wakeBlocked(sql, storableText(namespace), storableText(buildId));
}

/** Rows that are not locked, at once; then the few others, for which it waits, but not for long. */
async function wakeBlocked(sql: StatementRunner, namespace: string, buildId: string): Promise<void> {
  await sql.run(WAKE_BLOCKED['skip locked'], { namespace, buildId });
  try {
    await sql.run(WAKE_BLOCKED[''], { namespace, buildId });
  } catch (error) {
    // They are tried again after the pause that the failed turn has set.
    if (!(error instanceof ContentionError)) throw error;
  }
}

/** Prolongs a session. */
export async function heartbeat(sql: StatementRunner, owner: WorkerId): Promise<HeartbeatAnswer> {
  const id = uuidOrNil(owner);
  const [prolonged] = await sql.run(heartbeatWorker, { id });
  if (prolonged === undefined) return { type: 'dead' };
  const rows = await sql.run(unreadActors, { owner: id });
  const newer = await sql.run(newerWorkflows, { owner: id });
  return {
    type: 'alive',
    now: toInstant(prolonged.now),
    owned: rows[0]?.owned ?? 0,
    unread: rows.flatMap(({ id: actorId, ...row }) => (actorId === null ? [] : [toOwned(actorId, row)])),
    newer,
  };
}

export async function leave(sql: StatementRunner, owner: WorkerId): Promise<void> {
  await sql.run(leaveWorker, { id: uuidOrNil(owner) });
}

export async function owned(
  sql: StatementRunner,
  owner: WorkerId,
  which: 'all' | 'unread',
): Promise<readonly OwnedActor[]> {
  const rows = await sql.run(ownedActors, { owner: uuidOrNil(owner), all: which === 'all' });
  return rows.map((row) => toOwned(row.id, row));
}

const toOwned = (actorId: ActorId, row: Pick<OwnedRow, 'lease_token' | 'inbox_seq'>): OwnedActor => ({
  actorId,
  token: row.lease_token,
  inboxSeq: row.inbox_seq,
});

export async function unserved(
  sql: StatementRunner,
  namespace: string,
): Promise<readonly Pick<ServedWorkflow, 'workflow' | 'version'>[]> {
  return await sql.run(unservedWorkflows, { namespace: storableText(namespace) });
}

export async function served(
  sql: StatementRunner,
  workflows: readonly ServedWorkflow[],
): Promise<readonly boolean[]> {
  const rows = await sql.run(servedWorkflows, {
    namespaces: textArray(workflows.map(({ namespace }) => storableText(namespace))),
    workflows: textArray(workflows.map(({ workflow }) => workflow)),
    versions: numberArray(workflows.map(({ version }) => version)),
  });
  const found = new Set(rows.map(({ ordinal }) => ordinal));
  return workflows.map((_, i) => found.has(i + 1));
}

/** How many were freed. */
export async function giveBack(
  sql: StatementRunner,
  owner: WorkerId,
  actors: readonly OwnedActor[],
): Promise<number> {
  if (actors.length === 0) return 0;
  const freed = await sql.run(giveBackActors, {
    owner: uuidOrNil(owner),
    actorIds: uuidArray(actors.map(({ actorId }) => uuidOrNil(actorId))),
    tokens: numberArray(actors.map(({ token }) => token)),
  });
  return freed.length;
}

/**
 * Ends a session first, so that no claim can come after it, and then frees what it holds. `waiting` runs a statement
 * that waits for locked rows, one at a time.
 */
export async function unregister(
  sql: StatementRunner,
  owner: WorkerId,
  waiting: <T>(work: () => Promise<T>) => Promise<T>,
): Promise<void> {
  const id = asWorkerId(uuidOrNil(owner));
  await waiting(() => sql.run(endSession, { id }));
  const whole = { owners: uuidArray([id]), namespace: null, lost: false };
  await free(sql, whole);
  const freeOne = { ...whole, limit: 1 };
  try {
    while ((await waiting(() => sql.run(FREE_ACTORS[''], freeOne))).length > 0);
  } catch (error) {
    // The session is over, and only rows that are locked all the time are left: the next rescue frees them.
    if (!(error instanceof ContentionError)) throw error;
  }
}

export async function rescue(sql: StatementRunner, within: string): Promise<RescueAnswer> {
  const namespace = storableText(within);
  const suspects = (await sql.run(suspectWorkers, { namespace })).map(({ id }) => id);
  const dead = suspects.length === 0 ? [] : await sql.run(markDead, { ids: uuidArray(suspects) });
  const stranded = (await sql.run(strandedOwners, {})).map(({ owner }) => owner);
  const freed =
    stranded.length === 0
      ? NOTHING_FREED
      : await free(sql, { owners: uuidArray(stranded), namespace, lost: true });
  await sql.run(forgetDeadWorkers, { namespace });
  return { deadWorkers: dead.map(({ id }) => id), ...freed };
}

/** So many rows are locked at a time. */
const PORTION = 500;

type Freed = Omit<RescueAnswer, 'deadWorkers'>;
const NOTHING_FREED: Freed = { freedActors: 0, blocked: [] };

/** Frees the actors of owners. A row that is locked just now is found by the next rescue. */
async function free(
  sql: StatementRunner,
  whose: Pick<FreeActors, 'owners' | 'namespace' | 'lost'>,
): Promise<Freed> {
  let freedActors = 0;
  const blocked: BlockedRun[] = [];
  for (;;) {
    const rows = await sql.run(FREE_ACTORS['skip locked'], { ...whose, limit: PORTION });
    if (rows.length === 0) return { freedActors, blocked };
    freedActors += rows.length;
    for (const { workflow, workflow_id, run_id, reason } of rows)
      if (reason !== null)
        blocked.push({ workflow, workflowId: workflow_id, runId: asRunId(run_id), reason });
  }
}

/** Ids are drawn at random at their end: no other lock in the database has this number. */
export const lockKeyOf = (owner: WorkerId): string =>
  BigInt(`0x${requireUuid('worker session', owner).replaceAll('-', '').slice(-15)}`).toString();
