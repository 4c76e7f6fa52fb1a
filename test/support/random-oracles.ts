import type { CommandId, HistoryEntry } from '../../lib/core/index.js';
import { isEvent, isTerminal } from '../../lib/core/index.js';
import type { Life } from './random-world.js';

/** What the history of any run shows, whatever its program did: worked out apart from the fold. */
export function brokenPromises({ history, fold }: Life): string[] {
  const trail = fold.progress.closed && fold.query('tell', []);
  return [
    ...unlessEqual('F6: ids are numbered', idsOf(history), [...idsOf(history).keys()]),
    ...unlessEqual(
      'F9: time goes on',
      timesOf(history),
      timesOf(history).toSorted((a, b) => a - b),
    ),
    ...unlessEqual('F5, F12: a command ends once', endsOf(history), [...new Set(endsOf(history))]),
    ...unlessEqual(
      'F16: nothing stands behind the end',
      [history.findIndex(isTerminal)],
      [endOf(fold, history)],
    ),
    ...(Array.isArray(trail)
      ? unlessEqual('F16: protected code is finished', [count(trail, 'entered')], [count(trail, 'left')])
      : []),
    ...unlessEqual('F20: the last completed is undone first', undonesOf(history), undonesOf(history, true)),
    ...unlessEqual('F36: a saga that failed leaves nothing', leftBySagas(history, trail), []),
    ...unlessEqual('F16: an update is answered once', answersOf(history), answersOf(history, true)),
    ...unlessEqual('F15: a cancelled run asks for nothing new', unprotectedAfterCancel(history, trail), []),
  ];
}

const unlessEqual = <T>(promise: string, actual: readonly T[], expected: readonly T[]): string[] =>
  JSON.stringify(actual) === JSON.stringify(expected)
    ? []
    : [`${promise}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}.`];

const idsOf = (history: readonly HistoryEntry[]): CommandId[] =>
  history.flatMap((entry) =>
    'id' in entry && !isEvent(entry) && entry.type !== 'activity_attempt' ? [entry.id] : [],
  );

const timesOf = (history: readonly HistoryEntry[]): number[] => history.map(({ at }) => at);

const endsOf = (history: readonly HistoryEntry[]): CommandId[] =>
  history.flatMap((entry) => {
    if (isEvent(entry)) return 'id' in entry ? [entry.id] : [];
    return entry.type === 'timer_cancelled' ? [entry.of] : [];
  });

const endOf = (fold: Life['fold'], history: readonly HistoryEntry[]): number =>
  fold.progress.closed === null ? -1 : history.length - 1;

const count = (trail: readonly unknown[], mark: string): number =>
  trail.filter((entry) => entry === mark).length;

/** What an automatic rollback undid, in order; `expected`: what it should have, from the completions before. */
function undonesOf(history: readonly HistoryEntry[], expected = false): CommandId[] {
  const begin = history.findIndex((entry) => entry.type === 'rollback_started');
  if (begin < 0) return [];
  const undone = undosIn(history.slice(begin));
  if (!expected) return undone;
  const compensated = new Set(
    history.flatMap((entry) =>
      entry.type === 'activity_scheduled' && entry.compensation !== null ? [entry.id] : [],
    ),
  );
  let steps: CommandId[] = [];
  for (const entry of history) {
    if (entry.type === 'rollback_step_added') steps.push(entry.id);
    if (entry.type === 'activity_completed' && compensated.has(entry.id)) steps.push(entry.id);
    if (entry.type === 'rollback_cleared') steps = steps.filter((id) => entry.steps?.includes(id) === false);
  }
  const before = new Set(undosIn(history.slice(0, begin)));
  const due = steps.filter((id) => !before.has(id)).toReversed();
  // A run that is still open has not undone everything yet.
  return history.some(isTerminal) ? due : due.slice(0, undone.length);
}

/** Which updates were answered; `expected`: which should be: every one that was accepted, once the run has ended. */
function answersOf(history: readonly HistoryEntry[], expected = false): string[] {
  const updatesOf = (type: 'update_accepted' | 'update_answered'): string[] =>
    history.flatMap((entry) => (entry.type === type ? [entry.updateId] : [])).toSorted();
  const answered = updatesOf('update_answered');
  if (!expected) return answered;
  const accepted = updatesOf('update_accepted');
  return history.some(isTerminal) ? accepted : accepted.filter((id) => answered.includes(id));
}

const undosIn = (entries: readonly HistoryEntry[]): CommandId[] =>
  entries.flatMap((entry) =>
    entry.type === 'activity_scheduled' && entry.undoes !== null ? [entry.undoes] : [],
  );

/** Only protected code asks for something new in a cancelled run: none where no scope protects anything. */
function unprotectedAfterCancel(history: readonly HistoryEntry[], trail: unknown): string[] {
  if (!Array.isArray(trail) || trail.includes('entered')) return [];
  const cancelled = history.findIndex((entry) => entry.type === 'cancel_requested');
  const decided = history.some((entry) => entry.type === 'run_completed');
  if (cancelled < 0 || decided) return [];
  return history.slice(cancelled).flatMap((entry) => {
    const isNew =
      entry.type === 'timer_started' || (entry.type === 'activity_scheduled' && entry.undoes === null);
    return isNew ? [entry.name] : [];
  });
}

/** Commands that completed inside of a saga and were not undone when its error came out, unless there was no return. */
function leftBySagas(history: readonly HistoryEntry[], trail: unknown): CommandId[] {
  if (!Array.isArray(trail)) return [];
  return trail.flatMap((mark: unknown) => {
    const [, ...numbers] = /^saga:(\d+):(\d+):(\d+):(\d+)$/.exec(String(mark)) ?? [];
    if (numbers.length === 0) return [];
    const [label, last, from, to] = numbers.map(Number) as [number, number, number, number];
    const before = history.slice(0, to);
    const cleared = (id: CommandId): boolean =>
      before.some((entry) => entry.type === 'rollback_cleared' && (entry.steps?.includes(id) ?? true));
    const completed = new Set(
      before.flatMap((entry) => (entry.type === 'activity_completed' ? [entry.id] : [])),
    );
    const ended = new Set(before.flatMap((entry) => (isEvent(entry) && 'id' in entry ? [entry.id] : [])));
    const undone = new Set(
      before.flatMap((entry) =>
        entry.type === 'activity_scheduled' && entry.undoes !== null && ended.has(entry.id)
          ? [entry.undoes]
          : [],
      ),
    );
    return history.slice(from - 1, to).flatMap((entry) => {
      if (entry.type !== 'activity_scheduled' || entry.compensation === null) return [];
      const of = Number(/^\[(\d+)\]$/.exec(entry.args)?.[1] ?? 0);
      const isLeft = completed.has(entry.id) && !undone.has(entry.id) && !cleared(entry.id);
      // Other arguments than a label are 6 at most.
      return of > Math.max(label, 6) && of <= last && isLeft ? [entry.id] : [];
    });
  });
}
