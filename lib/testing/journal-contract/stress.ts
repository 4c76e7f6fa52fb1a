import type { JournalHarness } from './harness.js';
import { range } from './concurrency.js';
import { judge } from './stress/oracle.js';
import { Random } from './stress/random.js';
import {
  askForAnswers,
  deliverLetters,
  holdRows,
  holdRowsLong,
  moveClock,
  rescueWorkers,
  sendInTransactions,
  sitInTransactions,
  sendMessages,
  startRuns,
  terminateRuns,
} from './stress/stress-clients.js';
import { StressRecord, pause } from './stress/stress-record.js';
import { StressWorker } from './stress/stress-worker.js';

export interface StressOptions {
  /** What every choice is drawn from. The interleaving is the machine's own. */
  readonly seed: number;
  /** How long it goes on. */
  readonly seconds: number;
  /** It goes on for up to 30 s more until each of these was counted: on a busy machine little happens in a second. */
  readonly until?: readonly string[];
  /** Defaults to 40. */
  readonly workflowIds?: number;
  /** Defaults to 3. */
  readonly workers?: number;
  /** Defaults to 6. */
  readonly senders?: number;
}

export interface StressReport {
  readonly seed: number;
  /** What happened how often. */
  readonly counts: Readonly<Record<string, number>>;
  /** Which rules were broken, with the facts: the first twenty. */
  readonly violations: readonly string[];
}

/** In ms. */
const LONGER = 30_000;

/**
 * Everybody does everything at once, for a while: workers that claim, take turns, commit in groups, lose answers,
 * become zombies, crash and are rescued; runs that continue, start children and send to each other; senders that repeat
 * themselves and ask for updates; starters, terminators and applications that sit on rows. Then an oracle looks through the port at what is left: histories whole and fenced, inboxes without a gap,
 * no acknowledged signal lost, no wake lost, no actor out of reach; what runs send to each other there once and in order, the
 * end of each child as well; no child left behind; and one answer for each update.
 */
export async function stressJournal(harness: JournalHarness, options: StressOptions): Promise<StressReport> {
  const { seed, seconds, until = [], workflowIds = 40, workers = 3, senders = 6 } = options;
  const clients = [harness.journal, await harness.second(), await harness.second()];
  const record = new StressRecord(
    harness,
    clients,
    range(workflowIds).map((i) => `stress-${i}`),
  );
  let strand = 0;
  const random = (): Random => new Random(seed, strand++);
  const client = (i: number): (typeof clients)[number] => clients[i % clients.length] ?? harness.journal;
  const strands = [
    startRuns(record, client(0), random()),
    terminateRuns(record, client(1), random()),
    rescueWorkers(record, client(2), random()),
    holdRows(record, client(0), random()),
    sendInTransactions(record, client(1), random()),
    holdRowsLong(record, client(2), random()),
    sitInTransactions(record, client(0), random()),
    moveClock(record),
    deliverLetters(record, client(0), random()),
    deliverLetters(record, client(1), random()),
    askForAnswers(record, client(2), random()),
    ...range(workers).map((i) => new StressWorker(record, client(i), client(i + 1), random()).run()),
    ...range(senders).map((i) => sendMessages(record, client(i), random(), `sender-${i}`)),
  ];
  // A strand that fails ends the stress at once: it would only go on without what the failure has shown.
  const failed = Promise.all(strands);
  const enough = async (): Promise<void> => {
    await pause(seconds * 1_000);
    const latest = performance.now() + LONGER;
    while (until.some((what) => !record.counts[what]) && performance.now() < latest) await pause(50);
  };
  await Promise.race([enough(), failed]).finally(() => record.stop());
  await failed;
  await judge(record);
  return { seed, counts: record.counts, violations: record.violations };
}
