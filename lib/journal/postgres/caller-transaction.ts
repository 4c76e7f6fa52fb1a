import type { ClientBase } from 'pg';
import type { EntitySubscriberInterface } from 'typeorm';
import { JournalError } from '../errors.js';
import type { Transaction } from '../journal.js';
import { DATABASE_IDENTITY } from './connection.js';
import type { Database } from './connection.js';
import { translateError } from './error-translation.js';
import type { Session } from './statement.js';

/**
 * Takes part in its caller's transaction: on its connection, inside a savepoint. A statement that fails would make
 * Postgres refuse everything behind it, and TypeORM's commit roll back in silence; so the savepoint is rolled back, and
 * the caller's transaction goes on as it was whether the caller catches the error or not.
 *
 * It waits for rows as the caller's connection does. Rows that it has locked stay locked until the caller's end: whoever
 * signals several workflows does so in one order, or may meet a deadlock.
 */
export async function inCallersTransaction<T>(
  database: Database,
  { manager, onCommit }: Transaction,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const { runner, dataSource } = openTransactionOf(manager);
  const client = await runner.connect();
  const result = await inTurn(client, () => inSavepoint(database, client, work));
  if (onCommit !== undefined) afterCommit(runner, dataSource, onCommit);
  return result;
}

/** As much of TypeORM's QueryRunner as is needed. By shape, for the application may have a TypeORM of its own. */
interface QueryRunnerLike {
  readonly isTransactionActive: boolean;
  /** Not public: how deep in nested transactions it is. */
  readonly transactionDepth?: number;
  connect(): Promise<ClientBase>;
}
interface DataSourceLike {
  readonly options: { readonly type: string };
  readonly subscribers: EntitySubscriberInterface[];
}

function openTransactionOf(manager: unknown): { runner: QueryRunnerLike; dataSource: DataSourceLike } {
  const runner = propertyOf(manager, 'queryRunner');
  if (
    typeof propertyOf(runner, 'connect') !== 'function' ||
    propertyOf(runner, 'isTransactionActive') !== true
  ) {
    throw new JournalError(
      'The journal takes part in a transaction of TypeORM: pass the EntityManager that dataSource.transaction() gives you, ' +
        'while it is open.',
    );
  }
  const dataSource = propertyOf(manager, 'dataSource') ?? propertyOf(manager, 'connection');
  const type = propertyOf(propertyOf(dataSource, 'options'), 'type');
  if (type !== 'postgres') {
    throw new JournalError(
      `The transaction is one of "${String(type)}"; the journal's tables are in Postgres.`,
    );
  }
  // The casts: what makes them what they are was just looked at.
  return { runner: runner as QueryRunnerLike, dataSource: dataSource as DataSourceLike };
}

const propertyOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;

/** A connection has one savepoint of ours at a time, also when its caller starts several calls at once. */
const lastCalls = new WeakMap<object, Promise<unknown>>();

async function inTurn<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  const before = lastCalls.get(client) ?? Promise.resolve();
  const mine = before.then(work);
  // Whoever comes next waits for the end, not for success.
  lastCalls.set(
    client,
    mine.catch(() => undefined),
  );
  return await mine;
}

async function inSavepoint<T>(
  database: Database,
  client: ClientBase,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const send = async (text: string): Promise<unknown> => {
    try {
      return await client.query(text);
    } catch (error) {
      throw translateError(error, 'read', database.address);
    }
  };
  const identity = await database.identity();
  const opened = await send(
    `savepoint continuum; select current_setting('transaction_isolation') as level, ${DATABASE_IDENTITY} as identity`,
  );
  try {
    requireSameDatabase(opened, identity, database.address);
    requireReadCommitted(opened);
    const result = await work(database.on(client));
    await send('release savepoint continuum');
    return result;
  } catch (error) {
    // Where this fails too, the connection is gone and the transaction with it: the first error says why.
    await send('rollback to savepoint continuum; release savepoint continuum').catch(() => undefined);
    throw error;
  }
}

/** Every statement must see what was committed before it: the protocols look, lock and look again. */
function requireReadCommitted(answers: unknown): void {
  const level = factOf(answers, 'level');
  if (level === 'read committed') return;
  throw new JournalError(
    `The journal takes part only in transactions of the isolation level READ COMMITTED; this one is ` +
      `${String(level).toUpperCase()}. Start the workflow or send the signal in a transaction of its own.`,
  );
}

/** Elsewhere the tables are missing, or are another application's. */
function requireSameDatabase(answers: unknown, journal: string, address: string): void {
  const identity = factOf(answers, 'identity');
  if (identity === journal) return;
  throw new JournalError(
    `The transaction is in another database than the journal's tables, which are in ${address}. Pass a manager of the ` +
      `DataSource that "connection" names, or start the workflow and send the signal without one.`,
  );
}

/** What was selected behind the savepoint. */
function factOf(answers: unknown, name: string): unknown {
  const rows = propertyOf(Array.isArray(answers) ? answers[1] : undefined, 'rows');
  return propertyOf(Array.isArray(rows) ? rows[0] : undefined, name);
}

interface Waiting {
  /** How deep in nested transactions it was asked for. */
  depth: number;
  readonly call: () => void;
}

/** What waits for the end of each transaction. */
const waitingCalls = new WeakMap<object, Waiting[]>();
const watched = new WeakSet<object>();

function afterCommit(runner: QueryRunnerLike, dataSource: DataSourceLike, call: () => void): void {
  if (!watched.has(dataSource)) {
    watched.add(dataSource);
    dataSource.subscribers.push(new TransactionEnds());
  }
  const waiting = waitingCalls.get(runner) ?? [];
  waiting.push({ depth: depthOf(runner), call });
  waitingCalls.set(runner, waiting);
}

const depthOf = ({ transactionDepth }: QueryRunnerLike): number => transactionDepth ?? 1;

/** Hears of the ends of an application's transactions; one for each DataSource. */
class TransactionEnds implements EntitySubscriberInterface {
  afterTransactionStart({ queryRunner }: { queryRunner: unknown }): void {
    // The cast, as below: TypeORM's own runner, of which the type hides the depth.
    const runner = queryRunner as QueryRunnerLike;
    // Left over from a transaction whose end nobody saw.
    if (depthOf(runner) === 1) waitingCalls.delete(runner);
  }

  afterTransactionCommit({ queryRunner }: { queryRunner: unknown }): void {
    const runner = queryRunner as QueryRunnerLike;
    const waiting = waitingCalls.get(runner) ?? [];
    if (runner.isTransactionActive) {
      // The end of a nested one: what was asked for in it now hangs on the outer one.
      for (const call of waiting) call.depth = Math.min(call.depth, depthOf(runner));
      return;
    }
    waitingCalls.delete(runner);
    for (const { call } of waiting) {
      try {
        call();
      } catch {
        // It has committed, and an error from here would tell its caller otherwise.
      }
    }
  }

  afterTransactionRollback({ queryRunner }: { queryRunner: unknown }): void {
    const runner = queryRunner as QueryRunnerLike;
    const waiting = waitingCalls.get(runner) ?? [];
    const kept = runner.isTransactionActive ? waiting.filter(({ depth }) => depth <= depthOf(runner)) : [];
    waitingCalls.set(runner, kept);
  }
}
