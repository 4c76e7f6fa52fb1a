import type { ClientBase } from 'pg';
import { JournalError } from '../errors.js';
import type { Transaction } from '../port/index.js';
import { openTransactionOf, propertyOf, whenEnded } from '../open-transaction.js';
import type { OpenTransaction, QueryRunnerLike } from '../open-transaction.js';
import type { Database } from './connection.js';
import { translateError } from './error-translation.js';
import { DATABASE_IDENTITY } from './sql/database-identity.js';
import type { StatementRunner } from './statement.js';
import { STATEMENT_TYPES } from './type-parsers.js';

/**
 * Takes part in its caller's transaction: on its connection, inside a savepoint. A statement that fails would make
 * Postgres refuse everything after it, and TypeORM's commit roll back in silence; so the savepoint is rolled back, and
 * the caller's transaction goes on as it was whether the caller catches the error or not.
 *
 * It waits for rows as the caller's connection does. Rows that it has locked stay locked until the caller's end: whoever
 * signals several workflows does so in one order, or may meet a deadlock.
 */
export async function inCallersTransaction<T>(
  database: Database,
  { manager, onCommit }: Transaction,
  work: (sql: StatementRunner) => Promise<T>,
): Promise<T> {
  const transaction = openTransactionOf(manager);
  const client = await runnerOf(transaction).connect();
  const result = await inTurn(client, () => inSavepoint(database, client, work));
  if (onCommit !== undefined) whenEnded(transaction, { committed: onCommit });
  return result;
}

interface PostgresRunner {
  connect(): Promise<ClientBase>;
}

function runnerOf({ runner, dataSource }: OpenTransaction): PostgresRunner {
  const type = propertyOf(propertyOf(dataSource, 'options'), 'type');
  if (type !== 'postgres' || typeof propertyOf(runner, 'connect') !== 'function') {
    throw new JournalError(
      `The transaction is one of "${String(type)}"; the journal's tables are in Postgres.`,
    );
  }
  // The cast: the runner of a DataSource of Postgres, whose connection is one of pg.
  return runner as QueryRunnerLike & PostgresRunner;
}

/** A connection has one savepoint of ours at a time, also when its caller starts several calls at once. */
const lastCalls = new WeakMap<object, Promise<unknown>>();

async function inTurn<T>(client: ClientBase, work: () => Promise<T>): Promise<T> {
  const before = lastCalls.get(client) ?? Promise.resolve();
  const mine = before.then(work);
  // The next one waits until this one has ended, successfully or not.
  lastCalls.set(
    client,
    mine.catch(() => undefined),
  );
  return await mine;
}

async function inSavepoint<T>(
  database: Database,
  client: ClientBase,
  work: (sql: StatementRunner) => Promise<T>,
): Promise<T> {
  const send = async (text: string): Promise<unknown> => {
    try {
      return await client.query({ text, types: STATEMENT_TYPES });
    } catch (error) {
      throw translateError(error, 'read', database.address);
    }
  };
  const opened = await send(
    `savepoint continuum; select current_setting('transaction_isolation') as level, ${DATABASE_IDENTITY} as identity`,
  );
  try {
    await requireSameDatabase(opened, database);
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

/** In another database the tables would be missing, or belong to another application. */
async function requireSameDatabase(answers: unknown, database: Database): Promise<void> {
  if (await database.isIn(factOf(answers, 'identity'))) return;
  throw new JournalError(
    `The transaction is in another database than the journal's tables, which are in ${database.address}; one of the same ` +
      `name on another server is another one. Pass a manager of the DataSource that "connection" names, or start the ` +
      `workflow and send the signal without one.`,
  );
}

/** A value of the query that was sent together with the savepoint. */
function factOf(answers: unknown, name: string): unknown {
  const rows = propertyOf(Array.isArray(answers) ? answers[1] : undefined, 'rows');
  return propertyOf(Array.isArray(rows) ? rows[0] : undefined, name);
}
