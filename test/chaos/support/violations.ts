import type { DecodedEntry } from '../../../lib/index.js';
import type { Effect, RecordedRun } from './cluster.js';
import type { TransactionRecord } from './long-transactions.js';
import type { SagaRecord } from './saga-load.js';

type Scheduled = Extract<DecodedEntry, { type: 'activity_scheduled' }>;
type Completed = Extract<DecodedEntry, { type: 'activity_completed' }>;

/** What is wrong with the history of a run that has ended: nothing, if the engine kept its promises. */
export function historyViolations({ history }: RecordedRun): readonly string[] {
  const entries = history.map(({ entry }) => entry);
  return [...gaps(history), ...frame(entries), ...ends(entries), ...attempts(entries), ...rollback(entries)];
}

/** Numbered from 1, without gaps. */
function gaps(history: RecordedRun['history']): string[] {
  return history.flatMap(({ seq }, i) => (seq === i + 1 ? [] : [`entry ${i + 1} has the number ${seq}`]));
}

const ENDS: ReadonlySet<DecodedEntry['type']> = new Set([
  'run_completed',
  'run_failed',
  'run_cancelled',
  'run_terminated',
]);

/** One beginning, one end, and nothing outside them. */
function frame(entries: readonly DecodedEntry[]): string[] {
  const found: string[] = [];
  const starts = entries.flatMap(({ type }, i) => (type === 'run_started' ? [i] : []));
  // A run that was cancelled before it began has its cancel first, and does nothing (F15).
  const neverBegan = entries[0]?.type === 'cancel_requested';
  if (starts.length !== 1 || (starts[0] !== 0 && !neverBegan)) {
    found.push('it does not begin with the one run_started');
  }
  if (neverBegan && entries.some(({ type }) => type === 'activity_scheduled' || type === 'timer_started')) {
    found.push('it was cancelled before it began, and did something');
  }
  const terminal = entries.filter(({ type }) => ENDS.has(type));
  if (terminal.length !== 1) found.push(`it has ${terminal.length} terminal entries`);
  else if (entries.at(-1) !== terminal[0]) found.push(`something follows ${terminal[0]!.type}`);
  return found;
}

/** No command ends twice, or before it began. */
function ends(entries: readonly DecodedEntry[]): string[] {
  const found: string[] = [];
  const begun = new Set<number>();
  const ended = new Set<number>();
  for (const entry of entries) {
    if (entry.type === 'activity_scheduled' || entry.type === 'timer_started') {
      if (begun.has(entry.id)) found.push(`command ${entry.id} began twice`);
      begun.add(entry.id);
    }
    const end = endedBy(entry);
    if (end === undefined) continue;
    if (!begun.has(end)) found.push(`command ${end} ended before it began`);
    if (ended.has(end)) found.push(`command ${end} ended twice`);
    ended.add(end);
  }
  return found;
}

function endedBy(entry: DecodedEntry): number | undefined {
  if (entry.type === 'timer_cancelled') return entry.of;
  const isEnd =
    entry.type === 'activity_completed' ||
    entry.type === 'activity_failed' ||
    entry.type === 'activity_cancelled' ||
    entry.type === 'timer_fired';
  return isEnd ? entry.id : undefined;
}

/** Attempts are counted upwards; one that was begun by nobody may be begun later. */
function attempts(entries: readonly DecodedEntry[]): string[] {
  const found: string[] = [];
  const current = new Map<number, { readonly attempt: number; readonly parked: boolean }>();
  for (const entry of entries) {
    if (entry.type === 'activity_scheduled') current.set(entry.id, { attempt: 1, parked: false });
    if (entry.type !== 'activity_attempt') continue;
    const before = current.get(entry.id);
    const again = entry.failure === null;
    if (!before || entry.attempt !== before.attempt + (again ? 0 : 1)) {
      found.push(
        `attempt ${entry.attempt} of command ${entry.id} follows attempt ${before?.attempt ?? 'none'}`,
      );
    }
    current.set(entry.id, entry);
  }
  return found;
}

/** Each completed step that can be undone was undone once, the last completed first; or nothing was, where nothing failed. */
function rollback(entries: readonly DecodedEntry[]): string[] {
  const last = entries.at(-1);
  const scheduled = new Map<number, Scheduled>();
  for (const entry of entries) if (entry.type === 'activity_scheduled') scheduled.set(entry.id, entry);
  const completed = entries.filter((entry): entry is Completed => entry.type === 'activity_completed');
  const steps = completed.flatMap(({ id }) => (scheduled.get(id)?.compensation != null ? [id] : []));
  const undone = completed.flatMap(({ id }) => scheduled.get(id)?.undoes ?? []);
  const undoing = [...scheduled.values()].flatMap(({ undoes }) => undoes ?? []);
  const rolledBack = last?.type === 'run_failed' || last?.type === 'run_cancelled';
  const wanted = rolledBack ? steps.toReversed() : [];
  const found: string[] = [];
  if (String(undoing) !== String(wanted))
    found.push(`undone were [${String(undoing)}] instead of [${String(wanted)}]`);
  if (String(undone) !== String(undoing))
    found.push(`of [${String(undoing)}] only [${String(undone)}] were undone to the end`);
  if (rolledBack && last.rollback !== (wanted.length > 0 ? 'complete' : 'none')) {
    found.push(`its rollback is ${last.rollback}`);
  }
  return found;
}

/** What is wrong between what a run recorded and what its activities did. */
export function effectViolations(
  { runId, history }: RecordedRun,
  effects: readonly Effect[],
): readonly string[] {
  const found: string[] = [];
  const byKey = new Map(effects.map((effect) => [effect.key, effect]));
  const scheduled = new Map<number, Scheduled>();
  const results = new Map<number, unknown>();
  for (const { entry } of history) {
    if (entry.type === 'activity_scheduled') scheduled.set(entry.id, entry);
    if (entry.type === 'activity_completed') results.set(entry.id, entry.result);
  }
  const known = new Set([...scheduled.keys()].map((id) => `${runId}:${id}`));
  for (const { key } of effects)
    if (!known.has(key)) found.push(`an effect has the key ${key}, which was never scheduled`);
  for (const [id, result] of results) {
    const effect = byKey.get(`${runId}:${id}`);
    const { undoes } = scheduled.get(id)!;
    if (!effect) found.push(`command ${id} is recorded as completed, and had no effect`);
    else if (undoes === null && effect.effect !== result)
      found.push(`command ${id} recorded an effect that is not there`);
    else if (undoes !== null && effect.undoes !== results.get(undoes))
      found.push(`command ${id} undid something else than ${undoes}`);
  }
  return found;
}

/**
 * What is wrong with the notes that a run was sent. Those that were acknowledged are there once, those that were rolled
 * back are not, and the others at most once.
 */
export function noteViolations(
  { history }: RecordedRun,
  { acknowledged, tried, withdrawn }: Pick<SagaRecord, 'acknowledged' | 'tried' | 'withdrawn'>,
): readonly string[] {
  const found = new Map(tried.map((note) => [note, 0]));
  for (const { entry } of history) {
    if (entry.type !== 'signal_received') continue;
    const note = String(entry.payload);
    found.set(note, (found.get(note) ?? 0) + 1);
  }
  return [...found].flatMap(([note, times]) => {
    if (times > 1) return [`the note "${note}" was received ${times} times`];
    if (times > 0 && withdrawn.includes(note)) return [`the note "${note}" was rolled back and is there`];
    return times === 0 && acknowledged.includes(note)
      ? [`the note "${note}" was acknowledged and is lost`]
      : [];
  });
}

/** What is wrong with the runs of an id that an application's transaction has started, and so has a client: there is one. */
export function transactionViolations(
  { end, begun }: TransactionRecord,
  runs: readonly string[],
): readonly string[] {
  const found = runs.length === 1 ? [] : [`it has ${runs.length} runs instead of one`];
  const isThere = begun !== null && runs.includes(begun);
  if (end === 'rolled back' && isThere) found.push(`the run ${begun} was rolled back and is there`);
  if (end === 'committed' && begun !== null && !isThere)
    found.push(`the run ${begun} was committed and is lost`);
  return found;
}
