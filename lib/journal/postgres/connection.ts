import { DataSource } from 'typeorm';
import type { Client, ClientBase, Pool, PoolClient } from 'pg';
import { ContentionError, type JournalError, JournalUnavailableError, notOpen } from '../errors.js';
import type { StuckMark } from '../port/index.js';
import { continuumMigrations } from '../../../migrations/index.js';
import { type MigrationClass, schemaVersionOf } from '../../../migrations/schema-version.js';
import { addressOf, CONNECT_TIMEOUT, journalConnection } from './connection-options.js';
import { type Moment, translateError } from './error-translation.js';
import type { ResolvedOptions } from './options.js';
import { type ClientClass, type SessionConfig, sessionClient } from './session-client.js';
import { Sockets } from './sockets.js';
import { databaseIdentity } from './sql/database-identity.js';
import { stuckMarkOf } from './stuck-mark.js';
import {
  type CompiledStatement,
  type StatementRunner,
  type Statement,
  type Values,
  compile,
} from './statement.js';
import { STATEMENT_TYPES } from './type-parsers.js';

/** The journal's own connections to the database. */
export class Database implements StatementRunner {
  readonly schema: string;
  /** For messages: where the database is, without a password. */
  readonly address: string;
  readonly dataSource: DataSource;
  /** The version of the schema that this version of Continuum needs. */
  readonly schemaVersion: number;
  readonly #sockets = new Sockets();
  readonly #Client: ClientClass;
  readonly #compiled = new WeakMap<object, CompiledStatement>();
  #planGeneration = '';
  #identity: string | undefined;

  constructor(
    { connection, schema, poolSize }: Pick<ResolvedOptions, 'connection' | 'schema' | 'poolSize'>,
    migrations: MigrationClass[] = continuumMigrations(schema),
  ) {
    this.schema = schema;
    this.address = addressOf(connection);
    this.schemaVersion = schemaVersionOf(migrations);
    const options = journalConnection(connection, schema, poolSize, migrations);
    // The cast: they were just put together, and TypeORM types them as anything.
    const { stream, Client: given, ...rest } = options.extra as SessionConfig;
    const extra: SessionConfig = { ...rest, stream: this.#sockets.tracked(stream) };
    this.dataSource = new DataSource({ ...options, extra });
    // TypeORM has found the driver by now. It makes the pool, from `extra`, when it is initialized.
    const Base = (given as ClientClass | undefined) ?? this.#driver.postgres.Client;
    this.#Client = sessionClient(Base, this.address);
    Object.assign(extra, { Client: this.#Client });
  }

  /** As it stands in SQL: it may be a word of SQL (`order`, `user`). */
  get quotedSchema(): string {
    return `"${this.schema}"`;
  }

  /** Where hints are told. */
  get channel(): string {
    return `continuum_${this.schema}`;
  }

  async open(): Promise<void> {
    if (this.dataSource.isInitialized) return;
    try {
      await this.dataSource.initialize();
    } catch (error) {
      throw translateError(error, 'connect', this.address);
    }
  }

  async close(): Promise<void> {
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }

  /** Closes the sockets of connections that do not end by themselves. */
  destroySockets(): void {
    this.#sockets.destroy();
  }

  /** Whether a connection is in this database that answers so to {@link DATABASE_IDENTITY}. */
  async isIn(identity: unknown): Promise<boolean> {
    if (this.#identity !== undefined && identity === this.#identity) return true;
    // Not asked yet; or the server was restarted since then, or another one has taken its place.
    const [row] = await this.run(databaseIdentity, {});
    this.#identity = row?.identity;
    return row !== undefined && identity === row.identity;
  }

  /** Runs one statement as a transaction by itself. */
  async run<V extends Values, Row>(statement: Statement<V, Row>, values: V): Promise<Row[]> {
    return await this.#withClient((client) =>
      this.#execute(client, statement, values, statement.effect, this.#preparedName(statement)),
    );
  }

  /** Runs statements as one transaction. What `work` throws rolls it back. */
  async transaction<T>(work: (sql: StatementRunner) => Promise<T>): Promise<T> {
    return await this.#withClient(async (client) => {
      // Nothing is in doubt before the commit: what dies earlier has written nothing.
      await this.#send(client, 'begin', 'read');
      const result = await this.#orRollBack(client, () =>
        work({
          run: (statement, values) =>
            this.#execute(client, statement, values, 'read', this.#preparedName(statement)),
        }),
      );
      await this.#send(client, 'commit', 'write');
      return result;
    });
  }

  /** Reads through TypeORM, where a query is put together as it is asked for. */
  async reading<T>(work: (dataSource: DataSource) => Promise<T>): Promise<T> {
    this.requireOpen();
    try {
      return await work(this.dataSource);
    } catch (error) {
      throw this.#translate(error, 'read');
    }
  }

  /** Throws {@link JournalUnavailableError} before `open` and after `close`. */
  requireOpen(): void {
    if (this.dataSource.isInitialized) return;
    throw notOpen();
  }

  /** Runs statements on a connection of the caller's, as they are: named statements would stay there. */
  on(client: ClientBase): StatementRunner {
    return { run: (statement, values) => this.#execute(client, statement, values, 'read', undefined) };
  }

  /** A connection beside the pool, for what takes no time; the caller connects and ends it. */
  newClient(): Client {
    this.requireOpen();
    const { options } = this.#driver.master;
    // The pool hides the password from enumeration, so a copy has to take it by name.
    return new this.#Client({ ...options, password: options.password, query_timeout: CONNECT_TIMEOUT });
  }

  /** How a thread reaches the same database. */
  stuckMark(): StuckMark | null {
    return stuckMarkOf(this.#driver.master.options, this.quotedSchema);
  }

  /** Part of the names of prepared statements. A new generation has new names, and so new plans, made for the tables as they are now. */
  get planGeneration(): string {
    return this.#planGeneration;
  }
  set planGeneration(generation: string) {
    this.#planGeneration = generation;
  }

  async #orRollBack<T>(client: PoolClient, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      // Of a connection that is gone the server rolls back by itself.
      await client.query('rollback').catch(() => undefined);
      throw error;
    }
  }

  async #withClient<T>(work: (client: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#connect();
    let lost: Error | undefined;
    // The pool listens only while nobody has the connection; without a listener its end would end the process.
    const onError = (error: Error): void => void (lost = error);
    client.on('error', onError);
    try {
      return await work(client);
    } catch (error) {
      if (error instanceof JournalUnavailableError && !(error instanceof ContentionError)) lost ??= error;
      throw error;
    } finally {
      client.off('error', onError);
      client.release(lost);
    }
  }

  async #connect(): Promise<PoolClient> {
    this.requireOpen();
    try {
      return await this.#driver.master.connect();
    } catch (error) {
      throw translateError(error, 'connect', this.address);
    }
  }

  async #execute<V extends Values, Row>(
    client: ClientBase,
    statement: Statement<V, Row>,
    values: V,
    moment: Moment,
    name: string | undefined,
  ): Promise<Row[]> {
    const { text, parameters } = this.#compile(statement);
    const config = {
      text,
      name,
      values: parameters.map((parameter) => values[parameter]),
      types: STATEMENT_TYPES,
    };
    try {
      const { rows } = await client.query<Row & object>(config);
      return rows;
    } catch (error) {
      throw this.#translate(error, moment);
    }
  }

  async #send(client: ClientBase, text: string, moment: Moment): Promise<void> {
    try {
      await client.query(text);
    } catch (error) {
      throw this.#translate(error, moment);
    }
  }

  #translate(error: unknown, moment: Moment): JournalError {
    return translateError(error, moment, this.address);
  }

  #compile(statement: Pick<Statement<never, unknown>, 'textFor'>): CompiledStatement {
    const known = this.#compiled.get(statement);
    if (known !== undefined) return known;
    const compiled = compile(statement.textFor, this.quotedSchema);
    this.#compiled.set(statement, compiled);
    return compiled;
  }

  #preparedName(statement: { readonly name: string }): string {
    // A statement of an older shape must not answer for a newer one.
    return `${statement.name} ${this.schemaVersion}${this.#planGeneration}`;
  }

  get #driver(): PostgresDriver {
    // TypeORM types its drivers by what they have in common; this one is Postgres by construction.
    return this.dataSource.driver as unknown as PostgresDriver;
  }
}

interface PostgresDriver {
  readonly master: Pool & { readonly options: SessionConfig };
  readonly postgres: { readonly Client: ClientClass };
}
