import { createHook } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import pg from 'pg';

/** What a stretch of work has cost: by counts, which no machine changes, and by time on a processor. */
export interface Cost {
  /** Time of a processor, in µs: of this process, all threads together. */
  readonly nodeCpu: number;
  /** The same of the server's processes; `null` where they are not on this machine, or it does not tell (macOS). */
  readonly postgresCpu: number | null;
  readonly walBytes: number;
  readonly commits: number;
  readonly statements: number;
  /** Statements that commit turns, and the turns that they committed. */
  readonly batches: number;
  readonly turns: number;
}

/** Reads what is counted, over a connection of its own. */
export class Meter {
  readonly #client: pg.Client;
  #statements = 0;
  #batches = 0;
  #turns = 0;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async open(url: string | undefined): Promise<Meter> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    const meter = new Meter(client);
    meter.#countStatements();
    return meter;
  }

  /** Of everything that the application sends from now on: its clients are of the driver's class, or of one made of it. */
  #countStatements(): void {
    // It is called on the client that it is taken from.
    // oxlint-disable-next-line typescript/unbound-method
    const { query } = pg.Client.prototype;
    const count = (config: unknown): void => {
      this.#statements++;
      const { name = '', values } = config as { name?: string; values?: readonly unknown[] };
      if (!/^(append|settle|reach) turns/.test(name)) return;
      this.#batches++;
      // The first array has an id for each turn.
      const ids = values?.find(
        (value): value is string => typeof value === 'string' && value.startsWith('{'),
      );
      this.#turns += ids === undefined ? 0 : ids.split(',').length;
    };
    pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
      count(args[0]);
      return Reflect.apply(query, this, args) as never;
    };
  }

  async measure(work: () => Promise<void>): Promise<Cost> {
    const before = await this.#read();
    const cpu = process.cpuUsage();
    await work();
    const { user, system } = process.cpuUsage(cpu);
    const after = await this.#read();
    return {
      nodeCpu: user + system,
      postgresCpu:
        before.postgresCpu === null || after.postgresCpu === null
          ? null
          : after.postgresCpu - before.postgresCpu,
      walBytes: after.walBytes - before.walBytes,
      commits: after.commits - before.commits,
      statements: after.statements - before.statements,
      batches: after.batches - before.batches,
      turns: after.turns - before.turns,
    };
  }

  async #read(): Promise<Cost> {
    const { rows } = await this.#client.query<{
      commits: string;
      wal: string;
      pids: number[];
      local: boolean;
    }>(`
      select
        (select xact_commit from pg_stat_database where datname = current_database())::text as commits,
        pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text as wal,
        (select array_agg(pid) from pg_stat_activity where pid is not null) as pids,
        coalesce(inet_server_addr() = inet_client_addr(), true) as local
    `);
    const { commits, wal, pids, local } = rows[0]!;
    return {
      nodeCpu: 0,
      postgresCpu: local ? cpuOf(pids) : null,
      walBytes: Number(wal),
      commits: Number(commits),
      statements: this.#statements,
      batches: this.#batches,
      turns: this.#turns,
    };
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}

/** Linux counts in hundredths of a second. */
const TICK = 10_000;

function cpuOf(pids: readonly number[]): number | null {
  try {
    return pids.reduce((sum, pid) => {
      // Behind the name, which may have spaces: user time is the 12th field, system time the 13th.
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
        .replace(/^.*\) /s, '')
        .split(' ');
      return sum + (Number(fields[11]) + Number(fields[12])) * TICK;
    }, 0);
  } catch {
    return null;
  }
}

/** How many promises, immediates and timers are made meanwhile. It slows the work down. */
export async function countResources(work: () => Promise<void>): Promise<ReadonlyMap<string, number>> {
  const counts = new Map<string, number>();
  const hook = createHook({ init: (_, type) => void counts.set(type, (counts.get(type) ?? 0) + 1) }).enable();
  await work();
  hook.disable();
  return counts;
}
