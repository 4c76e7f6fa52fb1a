import { uuidv7 } from 'uuidv7';
import type { HistoryEntry } from '../../../core/index.js';
import { actorOf, asRunId } from '../../../journal/index.js';
import type {
  ChildStart,
  InboxMessage,
  Lease,
  Outgoing,
  Turn,
  TurnOutcome,
  UpdateRefusal,
} from '../../../journal/index.js';
import { range } from '../concurrency.js';
import type { Random } from './random.js';
import { answered, continued, received, rollbackStarted, runCompleted, stamp } from './stress-entries.js';
import { type Mark, type StressRecord, markOf } from './stress-record.js';

/** A run as its holder sees it. */
export interface Resident {
  lease: Lease;
  seq: number;
  consumed: number;
  rollingBack: boolean;
  /** Updates that it has accepted and not answered. */
  openUpdates: readonly string[];
  readonly workflowId: string;
  readonly isChild: boolean;
}

/** What a resident knows from its history. */
export function fromHistory(
  history: readonly HistoryEntry[],
): Pick<Resident, 'seq' | 'rollingBack' | 'openUpdates'> {
  return {
    seq: history.length,
    rollingBack: history.some(({ type }) => type === 'rollback_started'),
    openUpdates: openAfter([], history),
  };
}

/** After a turn that was applied. */
export function advance(resident: Resident, { entries, consumedThrough, outcome }: Turn): void {
  resident.seq += entries.length;
  resident.consumed = consumedThrough;
  if (outcome.type === 'roll back') resident.rollingBack = true;
  resident.openUpdates = openAfter(resident.openUpdates, entries);
  if (outcome.type !== 'continue') return;
  // Its start has the number of the latest message that was consumed, and comes next.
  resident.lease = { ...resident.lease, runId: outcome.successor.runId };
  resident.seq = 0;
  resident.consumed = consumedThrough - 1;
}

function openAfter(open: readonly string[], entries: readonly HistoryEntry[]): readonly string[] {
  const accepted = entries.flatMap(markOf).flatMap((mark) => (isAccepted(mark) ? [mark.dedupeId] : []));
  const closed = new Set(entries.map((entry) => (entry.type === 'update_answered' ? entry.updateId : null)));
  return [...open, ...accepted].filter((updateId) => !closed.has(updateId));
}

const isAccepted = (mark: Mark): mark is Mark & { readonly dedupeId: string } =>
  mark.kind === 'update' && !mark.refused && mark.dedupeId !== null;

export function drawOutcome(
  random: Random,
  { rollingBack, isChild }: Resident,
  stopped: boolean,
): TurnOutcome {
  // Nobody may signal a run that rolls back, so it never waits for good.
  if (stopped) return { type: 'release', wakeAt: rollingBack ? 0 : null };
  const z = random.next();
  if (z < 0.06) return { type: 'close', state: rollingBack ? 'failed' : 'completed' };
  if (z < 0.08 && !rollingBack) return { type: 'roll back' };
  if (z < 0.13 && !rollingBack) return continuation(random);
  if (z < 0.2) return { type: 'release', wakeAt: rollingBack ? 0 : null };
  if (z < 0.32) return { type: 'release', wakeAt: Date.now() + random.below(100) };
  if (z < 0.35) return { type: 'block', reason: 'stress', delay: random.below(50) };
  // Children end soon, or there would be more and more of them.
  if (isChild && z < 0.45) return { type: 'close', state: rollingBack ? 'failed' : 'completed' };
  return { type: 'keep' };
}

const continuation = (random: Random): TurnOutcome => ({
  type: 'continue',
  successor: {
    runId: asRunId(uuidv7()),
    workflow: 'order',
    version: 1,
    start: 'null',
    kept: random.chance(0.7),
  },
});

/** A turn that takes these messages, and does this and that beside it. */
export function turnFrom(
  record: StressRecord,
  random: Random,
  resident: Resident,
  messages: readonly InboxMessage[],
  outcome: TurnOutcome,
): Turn {
  const { lease, seq: previousSeq, consumed } = resident;
  const plain = { lease, previousSeq, firedUpTo: null, outcome };
  if (outcome.type === 'block') return { ...plain, entries: [], consumedThrough: consumed, decides: false };
  const refused = new Set(messages.filter(({ kind }) => kind === 'update' && random.chance(0.2)));
  const taken = messages.map((message) => received(message, lease, refused.has(message)));
  const decides = outcome.type === 'close' || outcome.type === 'roll back';
  return {
    ...plain,
    entries: [...taken, stamp(lease), ...answersOf(random, resident, taken, outcome), ...lastOf(outcome)],
    consumedThrough: consumed + messages.length,
    decides,
    clearsDeaths: random.chance(0.1),
    refusals: [...refused].map(refusalOf),
    // A turn under the lock cannot wait for a workflow id.
    ...(decides ? {} : { children: childrenOf(record, random, resident) }),
    sends: sendsOf(record, random, resident),
    tellsParent: outcome.type === 'close',
    closesChildren: outcome.type === 'close' || outcome.type === 'continue',
  };
}

const refusalOf = ({ updateId }: InboxMessage): UpdateRefusal => ({
  updateId: updateId ?? '',
  why: 'validator',
  failure: '{}',
});

/** Some are answered at once and others later; whoever continues leaves none open. */
function answersOf(
  random: Random,
  { openUpdates }: Resident,
  taken: readonly HistoryEntry[],
  { type }: TurnOutcome,
): readonly HistoryEntry[] {
  return openAfter(openUpdates, taken)
    .filter(() => type === 'continue' || random.chance(0.5))
    .map(answered);
}

function lastOf(outcome: TurnOutcome): readonly HistoryEntry[] {
  if (outcome.type === 'roll back') return [rollbackStarted];
  if (outcome.type === 'close') return [runCompleted];
  return outcome.type === 'continue' ? [continued(outcome.successor)] : [];
}

function childrenOf(
  { workflowIds, stopped }: StressRecord,
  random: Random,
  { lease, seq, workflowId: parentId }: Resident,
): readonly ChildStart[] {
  if (stopped || !random.chance(0.06)) return [];
  return range(1 + random.below(2)).map((i): ChildStart => {
    const runId = asRunId(uuidv7());
    const link = { workflowId: parentId, runId: lease.runId };
    return {
      runId,
      workflowId: (random.chance(0.2) ? random.pick(workflowIds) : undefined) ?? `child ${runId}`,
      workflow: 'order',
      version: 1,
      input: 'null',
      command: commandOf(seq, i),
      parentClose: random.pick(['terminate', 'cancel', 'abandon'] as const) ?? 'abandon',
      lineage: { parent: link, root: link, depth: 1 },
      confirms: random.chance(0.5),
    };
  });
}

function sendsOf(record: StressRecord, random: Random, { lease, seq }: Resident): readonly Outgoing[] {
  if (record.stopped || !random.chance(0.25)) return [];
  const hot = record.workflowIds.slice(0, 5);
  // Mostly to one and the same: what was put off must not be overtaken by what is sent to it soon after.
  const usual = hot[lease.actorId.charCodeAt(lease.actorId.length - 1) % hot.length];
  return range(1 + random.below(3)).map((i): Outgoing => {
    const child = random.chance(0.2) ? random.pick([...record.children.values()].slice(-50)) : undefined;
    if (child !== undefined && random.chance(0.2))
      return { kind: 'terminate', workflowId: child.workflowId, actorId: actorOf(child.runId) };
    return {
      kind: random.chance(0.7) ? 'signal' : 'cancel',
      workflowId: child?.workflowId ?? (random.chance(0.7) ? usual : random.pick(hot)) ?? '',
      actorId: child === undefined ? null : actorOf(child.runId),
      name: 'letter',
      payload: JSON.stringify(`letter ${lease.runId} ${uuidv7()}`),
      ...(random.chance(0.8) ? { reply: commandOf(seq, i + 5) } : {}),
    };
  });
}

/** One number for each thing that a run does. */
const commandOf = (seq: number, i: number): number => (seq + 1) * 10 + i;
