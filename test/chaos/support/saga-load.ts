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
import { until } from './patience.js';
import { effectViolations, historyViolations, noteViolations } from './violations.js';

/** One saga, and what its client does meanwhile. */
interface Conduct {
  readonly id: string;
  readonly plan: SagaPlan;
  /** When it is cancelled, in ms after its start; `null` for never. */
  readonly cancelAfter: number | null;
  /** Sent one after the other, each with this pause before it, in ms. */
  readonly notes: readonly { readonly text: string; readonly after: number }[];
}

export interface SagaRecord {
  readonly id: string;
  readonly acknowledged: string[];
  readonly tried: string[];
  ending: 'completed' | 'failed' | 'cancelled';
}

/** Sagas that are started, signalled and cancelled by one client, whatever happens to who runs them. */
export class SagaLoad {
  readonly records: SagaRecord[] = [];
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
    const conducts = Array.from({ length: sagas }, (_, i) => this.#draw(`saga-${i}`));
    for (const { id } of conducts) this.#open.add(id);
    const begun = conducts.map(async (conduct, i) => {
      await pause((ms * i) / sagas);
      await this.#conduct(conduct);
      this.#open.delete(conduct.id);
    });
    await Promise.all(begun);
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
    return found;
  }

  #draw(id: string): Conduct {
    const chance = this.#chance;
    const step = (): StepPlan => ({
      takes: chance.below(120),
      failures: chance.happens(0.15) ? 1 + chance.below(2) : 0,
      declined: chance.happens(0.03),
    });
    const wanted = chance.happens(0.4) ? 1 + chance.below(3) : 0;
    const extra = chance.below(3);
    return {
      id,
      plan: {
        steps: [step(), step(), step(), step(), step(), step()],
        together: chance.happens(0.5),
        notes: wanted,
        sleeps: chance.happens(0.3) ? chance.below(3_000) : 0,
        fails: chance.happens(0.15),
      },
      cancelAfter: chance.happens(0.15) ? chance.below(1_500) : null,
      notes: Array.from({ length: wanted + extra }, (_, n) => ({
        text: `${id} note ${n}`,
        after: chance.below(300),
      })),
    };
  }

  async #conduct({ id, plan, cancelAfter, notes }: Conduct): Promise<void> {
    const record: SagaRecord = { id, acknowledged: [], tried: [], ending: 'completed' };
    const handle = await reachable(() => this.#client.start(Saga, plan, { id, onConflict: 'useExisting' }));
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
