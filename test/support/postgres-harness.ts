import pg from 'pg';
import { DataSource } from 'typeorm';
import type { Journal } from '../../lib/journal/index.js';
import { PostgresJournal } from '../../lib/journal/postgres/index.js';
import type { JournalHarness, MakeHarness } from '../../lib/testing/journal-contract/harness.js';
import { type TestDatabase, createDatabase } from './database.js';

/** Harnesses over one migrated database, which is emptied between them. */
export class PostgresHarnesses {
  #shared: Promise<Shared> | null = null;

  readonly make: MakeHarness = async () => {
    this.#shared ??= openShared();
    return harnessOf(await this.#shared);
  };

  async end(): Promise<void> {
    const shared = await this.#shared;
    if (shared === undefined || shared === null) return;
    await shared.journal.close();
    await shared.application.destroy();
    await shared.admin.end();
    await shared.database.drop();
  }
}

interface Shared {
  readonly database: TestDatabase;
  readonly journal: PostgresJournal;
  readonly admin: pg.Pool;
  readonly application: DataSource;
}

async function openShared(): Promise<Shared> {
  const database = await createDatabase();
  const journal = new PostgresJournal({ connection: { type: 'postgres', url: database.url } });
  await journal.open();
  const application = new DataSource({ type: 'postgres', url: database.url });
  await application.initialize();
  const admin = new pg.Pool({ connectionString: database.url, max: 3 });
  // The database is dropped while its last connections still end.
  admin.on('error', () => undefined);
  return { database, journal, admin, application };
}

function harnessOf({ database, journal, admin, application }: Shared): JournalHarness {
  const others = new Map<string, PostgresJournal>();
  const held = new Set<() => Promise<void>>();
  let elapsing: Promise<unknown> = Promise.resolve();
  return {
    journal,
    now: async () =>
      await number(admin, `select floor(date_part('epoch', clock_timestamp()) * 1000) as value`),
    second: async (): Promise<Journal> => {
      const applicationName = `second ${others.size}`;
      const url = database.url;
      const other = new PostgresJournal({
        connection: { type: 'postgres', url, applicationName },
        migrations: 'none',
        poolSize: 2,
      });
      await other.open();
      others.set(applicationName, other);
      return other;
    },
    elapse: async (ms) => {
      // One after the other: two that change the same rows in different orders would wait for each other in a circle.
      const before = elapsing;
      elapsing = (async () => {
        await Promise.allSettled([before]);
        await admin.query(ELAPSE.replaceAll(':ms', String(ms)));
      })();
      await elapsing;
    },
    killWorker: async (owner) => {
      const { rows } = await admin.query<{ application_name: string; lock_key: string }>(
        `select activity.application_name, worker.lock_key::text
         from continuum.workers as worker
         join pg_locks as lock
           on lock.locktype = 'advisory' and (lock.classid::bigint << 32) + lock.objid::bigint = worker.lock_key
         join pg_stat_activity as activity on activity.pid = lock.pid
         where worker.id = $1`,
        [owner],
      );
      const [found] = rows;
      if (found === undefined) throw new Error(`No process holds the lock of worker ${owner}.`);
      // Its connections just end: nothing unregisters the session.
      await others.get(found.application_name)?.close();
      await until(
        async () =>
          (await number(
            admin,
            `select count(*) as value from pg_locks
             where locktype = 'advisory' and (classid::bigint << 32) + objid::bigint = ${found.lock_key}`,
          )) === 0,
      );
    },
    holdActor: async (actorId) => {
      const client = await admin.connect();
      await client.query('begin');
      await client.query('select id from continuum.actors where id = $1 for update', [actorId]);
      const release = async (): Promise<void> => {
        if (!held.delete(release)) return;
        await client.query('rollback');
        client.release();
      };
      held.add(release);
      return release;
    },
    transaction: async (work, end, onCommit) => {
      const rolledBack = new Error('rolled back, as told');
      try {
        await application.transaction(async (manager) => {
          await work({ manager, ...(onCommit === undefined ? {} : { onCommit }) });
          if (end === 'roll back') throw rolledBack;
        });
      } catch (error) {
        if (error !== rolledBack) throw error;
      }
    },
    dispose: async () => {
      for (const release of held) await release();
      for (const other of others.values()) await other.close();
      await admin.query(EMPTY);
    },
  };
}

const EMPTY = [
  'actors',
  'callbacks',
  'runs',
  'history',
  'inbox',
  'message_ids',
  'operations',
  'outbox',
  'updates',
  'workers',
]
  .map((table) => `delete from continuum.${table}`)
  .join(';');

// What is to be delivered comes first: a delivery holds it while it waits for other rows.
const ELAPSE = `
  update continuum.outbox
  set due_at = due_at - :ms * interval '1 ms';
  update continuum.actors
  set wake_at = wake_at - :ms * interval '1 ms',
      not_before = not_before - :ms * interval '1 ms',
      deadline_at = deadline_at - :ms * interval '1 ms',
      debounced_until = debounced_until - :ms * interval '1 ms',
      chain_deadline_at = chain_deadline_at - :ms * interval '1 ms',
      blocked_since = blocked_since - :ms * interval '1 ms';
  update continuum.runs
  set started_at = started_at - :ms * interval '1 ms',
      closed_at = closed_at - :ms * interval '1 ms',
      deadline_at = deadline_at - :ms * interval '1 ms';
  update continuum.workers
  set started_at = started_at - :ms * interval '1 ms',
      heartbeat_at = heartbeat_at - :ms * interval '1 ms',
      expires_at = expires_at - :ms * interval '1 ms',
      dead_at = dead_at - :ms * interval '1 ms'
`;

async function number(admin: pg.Pool, sql: string): Promise<number> {
  const { rows } = await admin.query<{ value: unknown }>(sql);
  return Number(rows[0]?.value);
}

/** What another backend does when its connection ends takes a moment. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setImmediate(resolve));
}
