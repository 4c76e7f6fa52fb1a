import { Injectable } from '@nestjs/common';
import type { OnApplicationShutdown } from '@nestjs/common';
import pg from 'pg';
import type { ActivityContext } from '../../../lib/index.js';

/** What activities have done to the world. One row for each effect, by the idempotency key of the call. */
export const CREATE_LEDGER = `
  create table ledger (
    key text primary key,
    run_id uuid not null,
    activity text not null,
    -- Of a compensation: the effect that it undoes.
    undoes uuid,
    -- Drawn when the effect came about: whoever repeats it sees the same one.
    effect uuid not null default gen_random_uuid(),
    times integer not null default 1
  )
`;

export class LedgerOptions {
  constructor(readonly url: string) {}
}

/** Writes effects: once for each call of an activity, however often it is attempted. */
@Injectable()
export class Ledger implements OnApplicationShutdown {
  readonly #pool: pg.Pool;

  constructor({ url }: LedgerOptions) {
    this.#pool = new pg.Pool({ connectionString: url, max: 4, connectionTimeoutMillis: 5_000 });
    // A connection that breaks while nobody uses it is replaced.
    this.#pool.on('error', () => undefined);
  }

  /** @returns what names the effect */
  async write(context: ActivityContext, undoes: string | null = null): Promise<string> {
    const { rows } = await this.#pool.query<{ effect: string }>(
      `insert into ledger (key, run_id, activity, undoes) values ($1, $2, $3, $4)
       on conflict (key) do update set times = ledger.times + 1
       returning effect`,
      [context.idempotencyKey, context.runId, context.activity, undoes],
    );
    return rows[0]!.effect;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#pool.end();
  }
}
