import { setTimeout } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import type { HistoryEntry } from '../../../core/index.js';
import type {
  ActorId,
  ChildStart,
  Journal,
  Lease,
  MessageKind,
  Outgoing,
  RunId,
  StartRequest,
  Turn,
  WorkerId,
} from '../../../journal/index.js';
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
  readonly name: string | null;
  readonly dedupeId: string | null;
  /** Of an update that was not accepted. */
  readonly refused: boolean;
}

/** A child as the turn that started it was applied. */
export interface StartedChild extends ChildStart {
  readonly parent: Lease;
  /** Others start runs with its workflow id too. */
  readonly shared: boolean;
}

/** What a turn that was applied has sent. Its payload is unlike all others. */
export interface SentLetter extends Outgoing {
  readonly sender: Lease;
  /** Orders what one run sends. */
  readonly seq: number;
}

/** What everybody in the stress shares: the clients, the field they play on, and what they were told. */
export class StressRecord {
  readonly acknowledged = new Map<string, Acknowledged>();
  /** How many entries of each run were confirmed as written. */
  readonly written = new Map<RunId, number>();
  readonly started = new Set<RunId>();
  readonly terminated = new Set<RunId>();
  readonly children = new Map<RunId, StartedChild>();
  readonly letters: SentLetter[] = [];
  readonly successors = new Map<RunId, RunId>();
  /** What updates were answered when somebody asked first. */
  readonly seenAnswers = new Map<string, string>();
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

  /** What a turn that was applied has done to other runs, and to itself. */
  applied({ lease, previousSeq, entries, children = [], sends = [], refusals = [], outcome }: Turn): void {
    this.wrote(lease.runId, entries.length);
    for (const child of children) {
      const shared = this.workflowIds.includes(child.workflowId);
      this.children.set(child.runId, { ...child, parent: lease, shared });
      if (!shared) this.started.add(child.runId);
    }
    sends.forEach((send, i) => this.letters.push({ ...send, sender: lease, seq: previousSeq + i / 100 }));
    this.count('children started', children.length);
    this.count('letters sent', sends.length);
    this.count('updates refused', refusals.length);
    this.count('updates answered', entries.filter(({ type }) => type === 'update_answered').length);
    if (outcome.type !== 'continue') return;
    this.count('continued');
    this.successors.set(lease.runId, outcome.successor.runId);
    this.started.add(outcome.successor.runId);
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

/** What an entry says of itself, if it is one of the marked ones. */
export function markOf(entry: HistoryEntry): readonly Mark[] {
  // The casts: these are the texts that the stress itself wrote.
  if (entry.type === 'signal_received') return [JSON.parse(entry.payload) as Mark];
  return entry.type === 'activity_heartbeat' ? [JSON.parse(entry.details) as Mark] : [];
}
