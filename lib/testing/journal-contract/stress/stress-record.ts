import { setTimeout } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import type { ActorId, Journal, MessageKind, RunId, StartRequest, WorkerId } from '../../../journal/index.js';
import type { JournalHarness } from '../harness.js';
import { NAMESPACE } from '../scenario.js';
import { asRunId } from '../../../journal/index.js';

/** A message that the journal has acknowledged. */
export interface Acknowledged {
  readonly workflowId: string;
  readonly actorId: ActorId;
  readonly n: number;
  readonly kind: MessageKind;
  readonly sender: string;
}

/** What one entry of the stress's histories says about itself. */
export interface Mark {
  readonly token: number;
  readonly owner: WorkerId;
  /** Of an entry that consumed a message. */
  readonly n: number | null;
  readonly kind: string | null;
  readonly dedupeId: string | null;
}

/** What everybody in the stress shares: the clients, the field they play on, and what they were told. */
export class StressRecord {
  readonly acknowledged = new Map<string, Acknowledged>();
  /** How many entries of each run were confirmed as written. */
  readonly written = new Map<RunId, number>();
  readonly started = new Set<RunId>();
  readonly terminated = new Set<RunId>();
  readonly violations: string[] = [];
  readonly counts: Record<string, number> = {};
  #stopped = false;

  constructor(
    readonly harness: JournalHarness,
    readonly clients: readonly Journal[],
    readonly workflowIds: readonly string[],
  ) {}

  get stopped(): boolean {
    return this.#stopped;
  }

  stop(): void {
    this.#stopped = true;
  }

  count(what: string, times = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + times;
  }

  violated(rule: string, facts: unknown): void {
    this.count('violations');
    if (this.violations.length < 20) this.violations.push(`${rule}: ${JSON.stringify(facts)}`);
  }

  wrote(runId: RunId, entries: number): void {
    this.written.set(runId, (this.written.get(runId) ?? 0) + entries);
  }
}

export const startRequest = (workflowId: string, changes: Partial<StartRequest> = {}): StartRequest => ({
  runId: asRunId(uuidv7()),
  namespace: NAMESPACE,
  workflowId,
  workflow: 'order',
  version: 1,
  priority: 2,
  input: 'null',
  startAt: null,
  onConflict: 'fail',
  onReuse: 'allow',
  attributes: null,
  first: null,
  ...changes,
});

export const pause = (ms: number): Promise<void> => setTimeout(ms);
