import type { Client } from 'pg';
import { TimeLimit } from '../../concurrency/index.js';
import { Backoff } from '../journal-retry.js';
import type { Database } from './connection.js';
import { translateError } from './error-translation.js';

export type OnHints = (hints: readonly string[]) => void;

/** How long a connection that is of no use any more may take to end, in ms. */
const END_TIMEOUT = 500;
/** The longest pause before connecting again, in ms. */
const LONGEST_PAUSE = 5_000;

/**
 * The one connection that stays: it listens for hints, and holds an advisory lock for each worker session of this
 * process, which the server lets go of when the process dies. It comes back by itself.
 */
export class ListeningConnection {
  readonly #database: Database;
  readonly #listeners = new Set<OnHints>();
  readonly #locks = new Set<string>();
  /** Of the connection in use, or of the attempt at one. */
  #client: Promise<Client> | null = null;
  #nextAttempt: NodeJS.Timeout | undefined;
  /** The end of the latest statement: a connection takes one after the other. */
  #latest: Promise<unknown> = Promise.resolve();

  constructor(database: Database) {
    this.#database = database;
  }

  /** Resolves once hints arrive, to what ends it. */
  async listen(onHints: OnHints): Promise<() => Promise<void>> {
    // A new function for each call, so that one that is given twice listens twice.
    const listener: OnHints = (hints) => onHints(hints);
    this.#listeners.add(listener);
    const end = async (): Promise<void> => {
      this.#listeners.delete(listener);
      await this.#endIfIdle();
    };
    await this.#connectedOr(end);
    return end;
  }

  /** Holds an advisory lock from now on, through every connection that follows this one. */
  async hold(key: string): Promise<void> {
    if (this.#locks.has(key)) return;
    this.#locks.add(key);
    const client = await this.#connectedOr(() => this.letGo(key));
    await this.#orAbandon(client, () => lock(client, key));
  }

  async letGo(key: string): Promise<void> {
    if (!this.#locks.delete(key)) return;
    const client = await this.#client?.catch(() => null);
    if (client != null) await this.#orAbandon(client, () => this.#lockAnew(client)).catch(() => undefined);
    await this.#endIfIdle();
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    this.#locks.clear();
    await this.#endIfIdle();
  }

  async #lockAnew(client: Client): Promise<void> {
    // All of them: one that was just connected may have taken it twice. A lost connection has let go by itself.
    await client.query('select pg_advisory_unlock_all()');
    for (const key of this.#locks) await lock(client, key);
  }

  /** Ends a connection that fails to answer, and another one follows: it might never tell of its end by itself. */
  async #orAbandon(client: Client, work: () => Promise<void>): Promise<void> {
    const mine = this.#latest.then(work);
    this.#latest = mine.catch(() => undefined);
    try {
      await mine;
    } catch (error) {
      await client.end().catch(() => undefined);
      throw translateError(error, 'connect', this.#database.address);
    }
  }

  async #connectedOr(giveUp: () => Promise<void>): Promise<Client> {
    try {
      return await this.#connected();
    } catch (error) {
      await giveUp();
      throw error;
    }
  }

  async #connected(): Promise<Client> {
    const attempt = (this.#client ??= this.#connect());
    try {
      return await attempt;
    } catch (error) {
      if (this.#client === attempt) this.#client = null;
      throw translateError(error, 'connect', this.#database.address);
    }
  }

  async #connect(): Promise<Client> {
    const client = this.#database.newClient();
    // An error ends the connection, and its end is handled. But an error without a listener would end the process.
    client.on('error', () => undefined);
    client.on('notification', ({ payload }) => this.#hear(payload));
    try {
      await client.connect();
      await client.query(`listen ${this.#database.channel}`);
      for (const key of this.#locks) await lock(client, key);
    } catch (error) {
      await client.end().catch(() => undefined);
      throw error;
    }
    const inUse = this.#client;
    client.once('end', () => {
      // One that was asked to end is not in use any more.
      if (this.#client !== inUse) return;
      this.#client = null;
      this.#connectAgain(new Backoff(LONGEST_PAUSE));
    });
    return client;
  }

  #connectAgain(backoff: Backoff): void {
    clearTimeout(this.#nextAttempt);
    if (this.#isIdle) return;
    this.#nextAttempt = setTimeout(() => {
      if (this.#isIdle) return;
      this.#connected().catch(() => this.#connectAgain(backoff));
    }, backoff.next());
    this.#nextAttempt.unref();
  }

  #hear(payload: string | undefined): void {
    const hints = parseHints(payload);
    if (hints.length > 0) for (const listener of this.#listeners) listener(hints);
  }

  get #isIdle(): boolean {
    return this.#listeners.size === 0 && this.#locks.size === 0;
  }

  async #endIfIdle(): Promise<void> {
    if (!this.#isIdle) return;
    clearTimeout(this.#nextAttempt);
    const attempt = this.#client;
    this.#client = null;
    const client = await attempt?.catch(() => null);
    // Not awaited without a limit: a server that does not answer would be waited for without end.
    await new TimeLimit(END_TIMEOUT).meet(client?.end().catch(() => undefined) ?? Promise.resolve());
  }
}

/** If the lock is not free, an earlier connection of this process has it, whose end the server has not noticed yet. */
async function lock(client: Client, key: string): Promise<void> {
  await client.query('select pg_try_advisory_lock($1)', [key]);
}

function parseHints(payload: string | undefined): readonly string[] {
  try {
    const hints: unknown = JSON.parse(payload ?? '');
    return Array.isArray(hints) ? hints.filter((hint) => typeof hint === 'string') : [];
  } catch {
    // Another program uses the channel for something else.
    return [];
  }
}
