import { setTimeout as pause } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import {
  ClientError,
  JournalError,
  JournalUnavailableError,
  WorkflowNotFoundError,
  WorkflowNotRunningError,
} from '../../../lib/index.js';
import type { WorkflowClient } from '../../../lib/index.js';
import { Saga } from '../worker/saga.js';
import type { SagaPlan } from '../worker/saga.js';

/** One transaction of an application: it starts a saga, signals another one, and then takes its time. */
export interface TransactionPlan {
  readonly starts: string;
  readonly plan: SagaPlan;
  readonly signals: string;
  readonly note: string;
  /** How long both are held, in ms. */
  readonly takes: number;
  readonly end: 'commit' | 'roll back';
}

/** What became of it. */
export interface TransactionRecord {
  readonly workflowId: string;
  /** In doubt where the connection broke at the commit. */
  end: 'committed' | 'rolled back' | 'in doubt';
  /** The run that it has begun; `null` where there was one, or where it has not come so far. */
  begun: string | null;
  /** Whether its note was accepted. */
  noted: boolean;
}

/** Both together let a start be repeated at any time. */
export const ONCE = { onConflict: 'useExisting', onReuse: 'useExisting' } as const;

/** Transactions of an application that hold workflow ids and runs for as long as it likes. */
export class LongTransactions {
  readonly #dataSource: DataSource;

  private constructor(dataSource: DataSource) {
    this.#dataSource = dataSource;
  }

  static async open(url: string): Promise<LongTransactions> {
    const dataSource = new DataSource({ type: 'postgres', url, poolSize: 40 });
    return new LongTransactions(await dataSource.initialize());
  }

  async close(): Promise<void> {
    await this.#dataSource.destroy();
  }

  async make(client: WorkflowClient, todo: TransactionPlan): Promise<TransactionRecord> {
    const { starts: workflowId, plan, signals, note, takes, end } = todo;
    const record: TransactionRecord = { workflowId, end: 'rolled back', begun: null, noted: false };
    try {
      await this.#dataSource.transaction(async (manager) => {
        const run = await client.start(Saga, plan, { id: workflowId, ...ONCE, manager });
        if (run.created) record.begun = run.runId ?? null;
        const signalled = client.handle(Saga, signals);
        record.noted = await takesMessages(signalled.signal('note', note, { dedupeId: note, manager }));
        await pause(takes);
        if (end === 'roll back') throw new RolledBack();
        record.end = 'in doubt';
      });
      record.end = 'committed';
    } catch (error) {
      if (!isOfTheConnection(error) && !(error instanceof RolledBack)) throw error;
    }
    return record;
  }
}

class RolledBack extends Error {}

async function takesMessages(sending: Promise<void>): Promise<boolean> {
  try {
    await sending;
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotRunningError || error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

/** The database or the connection is gone, by whatever name TypeORM, its driver or Node says so. */
function isOfTheConnection(error: unknown): boolean {
  if (error instanceof JournalUnavailableError) return true;
  return !(error instanceof ClientError || error instanceof JournalError || error instanceof TypeError);
}
