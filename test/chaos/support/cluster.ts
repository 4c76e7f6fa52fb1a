import { NestFactory } from '@nestjs/core';
import type { INestApplicationContext } from '@nestjs/common';
import pg from 'pg';
import { ContinuumModule, WorkflowClient } from '../../../lib/index.js';
import type { DecodedEntry, RunState } from '../../../lib/index.js';
import { createDatabase } from '../../support/database.js';
import { CREATE_LEDGER } from '../worker/ledger.js';
import type { WorkerSettings } from '../worker/protocol.js';
import { WorkerProcess } from './worker-process.js';

/** A run as the database has it. */
export interface RecordedRun {
  readonly runId: string;
  readonly workflowId: string;
  readonly state: RunState;
  readonly history: readonly { readonly seq: number; readonly entry: DecodedEntry }[];
}
export interface Effect {
  readonly key: string;
  readonly runId: string;
  readonly activity: string;
  readonly undoes: string | null;
  readonly effect: string;
}

export interface ClusterOptions {
  /** A database of its own; without it one of the shared server. */
  readonly url?: string;
}

/** A database, a client of it in this process, and worker processes that come and go. */
export class Cluster {
  readonly url: string;
  readonly client: WorkflowClient;
  readonly workers: WorkerProcess[] = [];
  readonly #app: INestApplicationContext;
  readonly #admin: pg.Pool;
  readonly #drop: () => Promise<void>;
  #started = 0;

  private constructor(url: string, app: INestApplicationContext, admin: pg.Pool, drop: () => Promise<void>) {
    this.url = url;
    this.#app = app;
    this.#admin = admin;
    this.#drop = drop;
    this.client = app.get(WorkflowClient);
  }

  static async open({ url }: ClusterOptions = {}): Promise<Cluster> {
    const database = url === undefined ? await createDatabase() : { url, drop: () => Promise.resolve() };
    const admin = new pg.Pool({ connectionString: database.url, max: 2 });
    // The server may be restarted under it.
    admin.on('error', () => undefined);
    await admin.query(CREATE_LEDGER);
    const module = ContinuumModule.forRoot({ connection: { url: database.url }, worker: false });
    const app = await NestFactory.createApplicationContext(
      { module: class ClientModule {}, imports: [module] },
      { logger: false },
    );
    return new Cluster(database.url, app, admin, database.drop);
  }

  /** Kills what still runs. */
  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.kill()));
    await this.#app.close();
    await this.#admin.end();
    await this.#drop();
  }

  /** A process that is being started. */
  spawn(settings: Partial<WorkerSettings> = {}): WorkerProcess {
    const worker = new WorkerProcess({
      url: this.url,
      name: `worker-${++this.#started}`,
      leaseTimeout: 3_000,
      heartbeatInterval: 200,
      shutdownTimeout: 5_000,
      ...settings,
    });
    this.workers.push(worker);
    return worker;
  }
  /** A process that serves. */
  worker(settings?: Partial<WorkerSettings>): Promise<WorkerProcess> {
    return this.spawn(settings).ready();
  }

  /** What became of the processes, and what they said: for the message of a test that waits in vain. */
  summary(): string {
    return this.workers.map((worker) => worker.summary()).join('\n');
  }

  /** What a run has recorded so far; numbers as they stand in the table. */
  async recorded(workflowId: string, runId?: string): Promise<RecordedRun> {
    const run = await this.client.describe(workflowId, runId);
    const { rows } = await this.#admin.query<{ seq: number }>(
      'select seq from continuum.history where run_id = $1 order by seq',
      [run.runId],
    );
    const lines = await this.client.handle(workflowId, run.runId).history();
    return {
      runId: run.runId,
      workflowId,
      state: run.state,
      history: rows.map(({ seq }, i) => ({ seq, entry: lines[i]!.entry })),
    };
  }

  /** Everything that activities did, by run. */
  async effects(): Promise<ReadonlyMap<string, readonly Effect[]>> {
    const { rows } = await this.#admin.query<Effect>(
      'select key, run_id as "runId", activity, undoes, effect from ledger',
    );
    const byRun = new Map<string, Effect[]>();
    for (const effect of rows) byRun.set(effect.runId, [...(byRun.get(effect.runId) ?? []), effect]);
    return byRun;
  }

  /** The runs that have, or had, a workflow id. */
  async runsOf(workflowId: string): Promise<readonly string[]> {
    const { rows } = await this.#admin.query<{ id: string }>(
      'select id from continuum.runs where workflow_id = $1',
      [workflowId],
    );
    return rows.map(({ id }) => id);
  }

  /** The open runs that are leased to any session that this process has had. */
  async leasedTo(worker: WorkerProcess): Promise<readonly string[]> {
    const sessions = worker.heard('worker registered').map(({ text }) => text);
    const { rows } = await this.#admin.query<{ id: string }>(
      `select workflow_id as id from continuum.actors where lease_owner = any ($1::uuid[]) order by workflow_id`,
      [sessions],
    );
    return rows.map(({ id }) => id);
  }

  /** Whose session holds the run; `null` for nobody. */
  async holder(workflowId: string): Promise<string | null> {
    const { rows } = await this.#admin.query<{ name: string | null }>(
      `select worker.name
       from continuum.actors as actor
       left join continuum.workers as worker on worker.id = actor.lease_owner
       where actor.workflow_id = $1`,
      [workflowId],
    );
    return rows[0]?.name ?? null;
  }
}
