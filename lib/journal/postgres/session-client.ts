import { randomUUID } from 'node:crypto';
import type { Client, PoolConfig } from 'pg';
import { JournalError } from '../errors.js';
import { CONNECT_TIMEOUT, type Settings } from './connection-options.js';

/** A class of the driver's clients: its own one, or one that the application has in its place. */
export type ClientClass = new (config: SessionConfig) => Client;

/** What the driver is told of a connection, and what its session is set to. */
export interface SessionConfig extends PoolConfig {
  readonly settings?: Settings;
}

type OnConnected = ((error: Error) => void) | ((error: null, client: Client) => void);

/**
 * Clients that are connected once their session has what the journal relies on. It is set by a statement, and by none of
 * the driver's options: those are sent with the start of a connection, where PgBouncer refuses them, or drops them
 * without a word. Who waits for the connection waits for that as well, for as long as for all of it.
 */
export function sessionClient(Base: ClientClass, address: string): ClientClass {
  let sessionsKnown = false;
  return class SessionClient extends Base {
    readonly #config: SessionConfig;

    constructor(config: SessionConfig) {
      super(config);
      this.#config = config;
      // Code that uses the connection listens by itself. Before and after that, an error without a listener would end the process.
      this.on('error', () => undefined);
    }

    override connect(): Promise<Client>;
    override connect(onConnected: OnConnected): void;
    override connect(onConnected?: OnConnected): Promise<Client> | undefined {
      const connecting = this.#connect();
      if (onConnected === undefined) return connecting;
      // The cast: the driver's types say of one function what it is called with in either case.
      const call = onConnected as (error: Error | null, client?: Client) => void;
      connecting.then(() => call(null, this), call);
      return undefined;
    }

    async #connect(): Promise<Client> {
      await super.connect();
      try {
        // Before its session is set to anything: one that others share must not be left changed.
        if (!sessionsKnown) await requireSessions(this, this.#another(), address);
        sessionsKnown = true;
        await settle(this, this.#config.settings ?? {}, address);
        return this;
      } catch (error) {
        // Not awaited: where the other side does not answer any more, it would never end.
        this.end().catch(() => undefined);
        throw error;
      }
    }

    #another(): Client {
      // The pool hides the password from enumeration, so a copy has to take it by name.
      const { password } = this.#config;
      const another = new Base({ ...this.#config, password, query_timeout: CONNECT_TIMEOUT });
      another.on('error', () => undefined);
      return another;
    }
  };
}

/** Sets a session, and looks at what it is set to then. */
async function settle(client: Client, settings: Settings, address: string): Promise<void> {
  const names = Object.keys(settings);
  if (names.length === 0) return;
  const calls = names.map((name) => `set_config('${name}', '${settings[name]}', false) as "${name}"`);
  const { rows } = await client.query<Record<string, string>>(`select ${calls.join(', ')}`);
  for (const name of names) {
    const found = rows[0]?.[name];
    if (found === settings[name]) continue;
    throw new JournalError(
      `The journal's sessions in Postgres (${address}) need ${name} = ${settings[name]}; it was set to that, and is ${found}.`,
    );
  }
}

/** How often sessions are compared that do not end at the server itself: others may use the same pooler meanwhile. */
const LOOKS = 5;

/** Throws {@link JournalError} where a session is given another connection of the server with each transaction. */
async function requireSessions(client: Client, other: Client, address: string): Promise<void> {
  try {
    await other.connect();
    const first = await backendOf(client);
    for (let looks = 0; looks < LOOKS; looks++) {
      const others = await backendOf(other);
      if (others === first || (await backendOf(client)) !== first) throw noSessions(address);
      if (isDirect(client, first)) return;
    }
  } finally {
    other.end().catch(() => undefined);
  }
}

/** The process id that a session is told at its start is that of the server's process only where there is no pooler in between. */
const isDirect = (client: Client & { readonly processID?: unknown }, backend: number): boolean =>
  client.processID === backend;

/**
 * The process of the server that answers. The session is given a setting of its own, because there are poolers that take
 * that as a reason to keep a session and its connection together.
 */
async function backendOf(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>(
    `select pg_backend_pid() as pid, set_config('continuum.session', '${randomUUID()}', false)`,
  );
  return rows[0]?.pid ?? 0;
}

function noSessions(address: string): JournalError {
  return new JournalError(
    `The journal needs sessions of its own, and the pooler in front of Postgres (${address}) gives a session another ` +
      `connection with each transaction or statement: set the pooler to session mode, or connect without it.`,
  );
}
