import { JournalError } from './errors.js';

/**
 * An application's open transaction, as TypeORM shows it. By shape, for the application may have a TypeORM of its own,
 * and an adapter without a database needs none.
 */
export interface OpenTransaction {
  readonly runner: QueryRunnerLike;
  readonly dataSource: DataSourceLike;
}

/** As much of TypeORM's QueryRunner as is needed. */
export interface QueryRunnerLike {
  readonly isTransactionActive: boolean;
  /** Not public: how deep in nested transactions it is. */
  readonly transactionDepth?: number;
}
export interface DataSourceLike {
  /** Whoever hears of the ends of its transactions. */
  readonly subscribers: object[];
}

/** What is to be done at the end of a transaction: exactly one of the two is called, once. What it throws is passed over. */
export interface TransactionEnd {
  readonly committed: () => void;
  readonly rolledBack?: () => void;
}

/**
 * The open transaction that an EntityManager is of.
 *
 * @throws JournalError where it is no EntityManager, or of no open transaction
 */
export function openTransactionOf(manager: unknown): OpenTransaction {
  const runner = propertyOf(manager, 'queryRunner');
  const dataSource = propertyOf(manager, 'dataSource') ?? propertyOf(manager, 'connection');
  if (
    propertyOf(runner, 'isTransactionActive') !== true ||
    !Array.isArray(propertyOf(dataSource, 'subscribers'))
  ) {
    throw new JournalError(
      'The journal takes part in a transaction of TypeORM: pass the EntityManager that dataSource.transaction() gives you, ' +
        'while it is open.',
    );
  }
  // The casts: what makes them what they are was just looked at.
  return { runner: runner as QueryRunnerLike, dataSource: dataSource as DataSourceLike };
}

export const propertyOf = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null
    ? (value as Readonly<Record<string, unknown>>)[name]
    : undefined;

/** Calls one of the two when the transaction has ended; a nested one that was rolled back has ended as well. */
export function whenEnded({ runner, dataSource }: OpenTransaction, end: TransactionEnd): void {
  if (!watched.has(dataSource)) {
    watched.add(dataSource);
    dataSource.subscribers.push(new TransactionEnds());
  }
  const waiting = waitingEnds.get(runner) ?? [];
  waiting.push({ depth: depthOf(runner), end });
  waitingEnds.set(runner, waiting);
}

interface Waiting {
  /** How deep in nested transactions it was asked for. */
  depth: number;
  readonly end: TransactionEnd;
}

/** What waits for the end of each transaction. */
const waitingEnds = new WeakMap<object, Waiting[]>();
const watched = new WeakSet<object>();

const depthOf = ({ transactionDepth }: QueryRunnerLike): number => transactionDepth ?? 1;

interface TransactionEvent {
  readonly queryRunner: QueryRunnerLike;
}

/** Hears of the ends of an application's transactions, as a subscriber of TypeORM; one for each DataSource. */
class TransactionEnds {
  afterTransactionStart({ queryRunner }: TransactionEvent): void {
    // What is left is of an earlier transaction on this connection, whose end was not seen.
    if (depthOf(queryRunner) === 1) callEach(taken(queryRunner, 0), 'rolledBack');
  }

  afterTransactionCommit({ queryRunner }: TransactionEvent): void {
    if (queryRunner.isTransactionActive) {
      // A nested transaction has ended: what was asked for in it now waits for the end of the outer one.
      for (const call of waitingEnds.get(queryRunner) ?? []) {
        call.depth = Math.min(call.depth, depthOf(queryRunner));
      }
      return;
    }
    callEach(taken(queryRunner, 0), 'committed');
  }

  afterTransactionRollback({ queryRunner }: TransactionEvent): void {
    const kept = queryRunner.isTransactionActive ? depthOf(queryRunner) : 0;
    callEach(taken(queryRunner, kept), 'rolledBack');
  }
}

/** Takes away what was asked for deeper than `kept`, in the order of asking. */
function taken(runner: QueryRunnerLike, kept: number): readonly TransactionEnd[] {
  const waiting = waitingEnds.get(runner) ?? [];
  waitingEnds.set(
    runner,
    waiting.filter(({ depth }) => depth <= kept),
  );
  return waiting.filter(({ depth }) => depth > kept).map(({ end }) => end);
}

function callEach(ends: readonly TransactionEnd[], which: keyof TransactionEnd): void {
  for (const end of ends) {
    try {
      end[which]?.();
    } catch {
      // The transaction has ended, and an error from here would tell its caller otherwise.
    }
  }
}
