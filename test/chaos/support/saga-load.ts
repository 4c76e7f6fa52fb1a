import { setTimeout as pause } from 'node:timers/promises';
import {
  JournalUnavailableError,
  WorkflowCancelledError,
  WorkflowFailedError,
  WorkflowNotRunningError,
} from '../../../lib/index.js';
import type { WorkflowClient } from '../../../lib/index.js';
import type { Chance } from '../../support/random.js';
import { Saga } from '../worker/saga.js';
import type { SagaPlan, StepPlan } from '../worker/saga.js';
import type { Cluster } from './cluster.js';
import { LongTransactions, ONCE } from './long-transactions.js';
import type { TransactionPlan, TransactionRecord } from './long-transactions.js';
import { until } from './patience.js';
import { effectViolations, historyViolations, noteViolations, transactionViolations } from './violations.js';

/** One saga, and what its client does meanwhile. */
interface Conduct {
  readonly id: string;
  readonly plan: SagaPlan;
  /** When it is cancelled, in ms after its start; `null` for never. */
  readonly cancelAfter: number | null;
  /** Sent one after the other, each with this pause before it, in ms. */
  readonly notes: readonly { readonly text: string; readonly after: number }[];
  /** An application that starts it too, in a transaction of its own; `null` for most of them. */
  readonly transaction: TransactionPlan | null;
}

export interface SagaRecord {
  readonly id: string;
  readonly acknowledged: string[];
  readonly tried: string[];
  /** Sent in transactions that were rolled back. */
  readonly withdrawn: string[];
  ending: 'completed' | 'failed' | 'cancelled';
}

/** Of the sagas, so many are started in an application's long transaction as well. */
const IN_TRANSACTIONS = 0.12;
/** How long such a transaction takes, in ms. */
const SHORTEST_TRANSACTION = 500;
const LONGEST_TRANSACTION = 10_000;

/**
 * Sagas that are started, signalled and cancelled by one client, whatever happens to who runs them, and while
 * transactions of an application hold some of them.
 */
export class SagaLoad {
  readonly records: SagaRecord[] = [];
  readonly transactions: TransactionRecord[] = [];
  readonly #byId = new Map<string, SagaRecord>();
  readonly #client: WorkflowClient;
  readonly #cluster: Cluster;
  readonly #chance: Chance;
  readonly #open = new Set<string>();

  constructor(cluster: Cluster, chance: Chance) {
    this.#cluster = cluster;
    this.#client = cluster.client;
    this.#chance = chance;
  }

  /** Those that have not ended yet. */
  get open(): readonly string[] {
    return [...this.#open];
  }

  /** Starts so many sagas, spread over `ms`, and resolves when all of them have ended. */
  async run(sagas: number, ms: number): Promise<void> {
    const conducts = Array.from({ length: sagas }, (_, i) => this.#draw(i, ms));
    for (const { id } of conducts) {
      this.#open.add(id);
      this.#byId.set(id, { id, acknowledged: [], tried: [], withdrawn: [], ending: 'completed' });
    }
    const application = await LongTransactions.open(this.#cluster.url);
    const begun = conducts.map(async (conduct, i) => {
      await pause((ms * i) / sagas);
      await Promise.all([this.#transact(application, conduct), this.#conduct(conduct)]);
      this.#open.delete(conduct.id);
    });
    try {
      await Promise.all(begun);
    } finally {
      await application.close();
    }
  }

  /** What is wrong with them, now that they have ended. */
  async violations(): Promise<readonly string[]> {
    const found: string[] = [];
    const effects = await this.#cluster.effects();
    for (const record of this.records) {
      const run = await this.#cluster.recorded(record.id);
      const wrong = [
        ...historyViolations(run),
        ...effectViolations(run, effects.get(run.runId) ?? []),
        ...noteViolations(run, record),
        ...(run.state === record.ending
          ? []
          : [`it is ${run.state}, and its client was told ${record.ending}`]),
      ];
      const history = run.history
        .map(({ entry }) => ('id' in entry ? `${entry.type} ${entry.id}` : entry.type))
        .join(', ');
      if (wrong.length > 0) found.push(`${record.id} (run ${run.runId}): ${wrong.join('; ')}\n  ${history}`);
    }
    for (const record of this.transactions) {
      const wrong = transactionViolations(record, await this.#cluster.runsOf(record.workflowId));
      if (wrong.length > 0) found.push(`${record.workflowId}: ${wrong.join('; ')}`);
    }
    return found;
  }

  #draw(i: number, ms: number): Conduct {
    const id = `saga-${i}`;
    const chance = this.#chance;
    const step = (): StepPlan => ({
      takes: chance.below(120),
      failures: chance.happens(0.15) ? 1 + chance.below(2) : 0,
      declined: chance.happens(0.03),
    });
    const wanted = chance.happens(0.4) ? 1 + chance.below(3) : 0;
    const extra = chance.below(3);
    const plan: SagaPlan = {
      steps: [step(), step(), step(), step(), step(), step()],
      together: chance.happens(0.5),
      notes: wanted,
      sleeps: chance.happens(0.3) ? chance.below(3_000) : 0,
      fails: chance.happens(0.15),
    };
    return {
      id,
      plan,
      transaction: i > 0 && chance.happens(IN_TRANSACTIONS) ? this.#drawTransaction(i, plan, ms) : null,
      cancelAfter: chance.happens(0.15) ? chance.below(1_500) : null,
      notes: Array.from({ length: wanted + extra }, (_, n) => ({
        text: `${id} note ${n}`,
        after: chance.below(300),
      })),
    };
  }

  #drawTransaction(i: number, plan: SagaPlan, ms: number): TransactionPlan {
    const chance = this.#chance;
    const longest = Math.min(LONGEST_TRANSACTION, ms / 2);
    return {
      starts: `saga-${i}`,
      plan,
      // An earlier one, so that no two of them wait for each other.
      signals: `saga-${Math.max(0, i - 1 - chance.below(10))}`,
      note: `saga-${i}'s transaction`,
      takes: SHORTEST_TRANSACTION + chance.below(longest - SHORTEST_TRANSACTION),
      end: chance.happens(0.3) ? 'roll back' : 'commit',
    };
  }

  async #transact(application: LongTransactions, { transaction }: Conduct): Promise<void> {
    if (!transaction) return;
    const { tried, acknowledged, withdrawn } = this.#byId.get(transaction.signals)!;
    const made = await application.make(this.#client, transaction);
    this.transactions.push(made);
    tried.push(transaction.note);
    if (made.end === 'rolled back') withdrawn.push(transaction.note);
    else if (made.end === 'committed' && made.noted) acknowledged.push(transaction.note);
  }

  async #conduct({ id, plan, cancelAfter, notes, transaction }: Conduct): Promise<void> {
    const record = this.#byId.get(id)!;
    // What the transaction began may have ended before this start comes.
    const policies = transaction ? ONCE : ({ onConflict: 'useExisting' } as const);
    const handle = await reachable(() => this.#client.start(Saga, plan, { id, ...policies }));
    const noting = async (): Promise<void> => {
      for (const { text, after } of notes) {
        await pause(after);
        record.tried.push(text);
        if (await obeyed(() => handle.signal('note', text, { dedupeId: text })))
          record.acknowledged.push(text);
      }
    };
    const cancelling = async (): Promise<void> => {
      if (cancelAfter === null) return;
      await pause(cancelAfter);
      await obeyed(() => handle.cancel());
    };
    const [ending] = await Promise.all([endingOf(() => handle.result()), noting(), cancelling()]);
    record.ending = ending;
    this.records.push(record);
  }
}

/** Whether it was accepted; not so by a run that takes no messages any more. */
async function obeyed(send: () => Promise<void>): Promise<boolean> {
  try {
    await reachable(send);
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotRunningError) return false;
    throw error;
  }
}

async function endingOf(result: () => Promise<unknown>): Promise<SagaRecord['ending']> {
  try {
    await reachable(result);
    return 'completed';
  } catch (error) {
    if (error instanceof WorkflowFailedError) return 'failed';
    if (error instanceof WorkflowCancelledError) return 'cancelled';
    throw error;
  }
}

/** As a client does it: tries again as long as the database cannot be reached. */
async function reachable<T>(call: () => Promise<T>): Promise<T> {
  let answer: { readonly value: T } | undefined;
  await until(async () => {
    try {
      answer = { value: await call() };
      return true;
    } catch (error) {
      if (error instanceof JournalUnavailableError) return false;
      throw error;
    }
  });
  return answer!.value;
}
