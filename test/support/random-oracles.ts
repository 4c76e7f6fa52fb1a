import type {
  ActivityCompleted,
  CarriedSignal,
  ChildCompleted,
  CommandId,
  HistoryEntry,
} from '../../lib/core/index.js';
import { isEvent, isTerminal } from '../../lib/core/index.js';
import { isShownNote } from '../../lib/core/entry-catalogue.js';
import { codec } from './fold-kit.js';
import type { Life } from './random-world.js';

/** What the history of any run shows, whatever its program did: worked out apart from the fold. */
export function brokenPromises(life: Life): string[] {
  const { history, fold } = life;
  const trail = fold.progress.closed && fold.query('tell', []);
  return [
    ...brokenWithoutCode(history, fold),
    // Code never comes back from continuing as another run, also where the run was decided before.
    ...(Array.isArray(trail) && !trail.includes('continues')
      ? unlessEqual('F16: protected code is finished', [count(trail, 'entered')], [count(trail, 'left')])
      : []),
    ...unlessEqual('F36: a saga that failed leaves nothing', leftBySagas(history, trail), []),
    ...unlessEqual('F15: a cancelled run asks for nothing new', unprotectedAfterCancel(history, trail), []),
    ...unlessEqual('F17: every signal is taken, or left', lostSignals(history, trail), []),
    ...unlessEqual('F15: a cancelled run cancels its children', childrenNotAsked(history, trail), []),
    ...unlessEqual(
      'F4: lists are told what is recorded',
      sorted(life.shown),
      sorted(recordedAsShown(history)),
    ),
    ...unlessEqual('F4: an event has one note of a kind', repeatedNotes(history), []),
  ];
}

/** The same, as far as nobody has to ask the code. */
export function brokenWithoutCode(history: readonly HistoryEntry[], fold: Life['fold']): string[] {
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
    ...unlessEqual('F20: the last completed is undone first', undonesOf(history), undonesOf(history, true)),
    ...unlessEqual('F16: an update is answered once', answersOf(history), answersOf(history, true)),
    ...unlessEqual('F15: what asked first gives the end its name', misnamedEnds(history), []),
    ...unlessEqual('F15: a time limit ends once, and no rollback', needlessLimits(history), []),
    ...unlessEqual(
      'F20: what could complete is waited for, but for what is abandoned',
      hastyUndos(history),
      [],
    ),
  ];
}

const unlessEqual = <T>(promise: string, actual: readonly T[], expected: readonly T[]): string[] =>
  JSON.stringify(actual) === JSON.stringify(expected)
    ? []
    : [`${promise}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}.`];

const sorted = (shown: Readonly<Record<string, unknown>>): [string, unknown][] =>
  Object.entries(shown).toSorted(([a], [b]) => (a < b ? -1 : 1));

/** What the notes of a history say, one over the other. */
function recordedAsShown(history: readonly HistoryEntry[]): Record<string, unknown> {
  const shown: Record<string, unknown> = {};
  for (const entry of history) {
    if (entry.type === 'attributes_set') Object.assign(shown, codec.decode(entry.patch));
    if (entry.type === 'details_set') shown['details'] = entry.details;
  }
  return shown;
}

function repeatedNotes(history: readonly HistoryEntry[]): string[] {
  const seen = new Set<string>();
  return history.flatMap((entry) => {
    if (isEvent(entry)) seen.clear();
    if (!isShownNote(entry)) return [];
    const isRepeated = seen.has(entry.type);
    seen.add(entry.type);
    return isRepeated ? [entry.type] : [];
  });
}

/** Ends by a cancellation or a time limit that did not come, or did not come first. */
function misnamedEnds(history: readonly HistoryEntry[]): string[] {
  const end = history.find(isTerminal)?.type;
  if (end !== 'run_cancelled' && end !== 'run_timed_out') return [];
  const asked = history.find(({ type }) => type === 'cancel_requested' || type === 'deadline_passed')?.type;
  return asked === (end === 'run_cancelled' ? 'cancel_requested' : 'deadline_passed') ? [] : [end];
}

function needlessLimits(history: readonly HistoryEntry[]): string[] {
  const begin = history.findIndex(({ type }) => type === 'rollback_started');
  return history.flatMap(({ type }, i) =>
    type === 'deadline_passed' &&
    ((begin >= 0 && i > begin) || history.findIndex((entry) => entry.type === type) < i)
      ? [type]
      : [],
  );
}

/** What an automatic rollback undid while something was in flight that it has to wait for; and what it stopped needlessly. */
function hastyUndos(history: readonly HistoryEntry[]): CommandId[] {
  const open = new Set<CommandId>();
  const left = new Set<CommandId>();
  let rollsBack = false;
  return history.flatMap((entry): CommandId[] => {
    if (entry.type === 'rollback_started') rollsBack = true;
    if (isEvent(entry) && 'id' in entry && entry.type !== 'child_accepted') open.delete(entry.id);
    if (entry.type === 'child_cancel_requested') return rollsBack && left.has(entry.of) ? [entry.of] : [];
    if (!('undoes' in entry)) return [];
    if (entry.undoes !== null) return rollsBack && open.size > 0 ? [entry.undoes] : [];
    if (entry.type === 'child_started' && entry.parentClose === 'abandon') left.add(entry.id);
    else if (entry.type === 'child_started' || entry.compensation !== null) open.add(entry.id);
    return [];
  });
}

/** Children that were under way when the run was cancelled and were not asked to cancel, where nothing protects any. */
function childrenNotAsked(history: readonly HistoryEntry[], trail: unknown): CommandId[] {
  const at = history.findIndex(({ type }) => type === 'cancel_requested' || type === 'deadline_passed');
  if (at < 0 || !Array.isArray(trail) || trail.includes('entered')) return [];
  // After its decision a run cancels nothing; and a rollback goes on as it has begun.
  if (history.some(({ type }) => type === 'run_completed' || type === 'run_continued')) return [];
  if (history.slice(0, at).some(({ type }) => type === 'rollback_started')) return [];
  const ended = new Set(endsOf(history.slice(0, at)));
  const asked = new Set(
    history.flatMap((entry) => (entry.type === 'child_cancel_requested' ? [entry.of] : [])),
  );
  return history
    .slice(0, at)
    .flatMap((entry) =>
      entry.type === 'child_started' && entry.undoes === null && !ended.has(entry.id) && !asked.has(entry.id)
        ? [entry.id]
        : [],
    );
}

/** Signals without a handler that somebody took, or that were left at the end, against those that there were. */
function lostSignals(history: readonly HistoryEntry[], trail: unknown): string[] {
  const begins = history[0]?.type !== 'cancel_requested';
  // What is held behind a decision is recorded only.
  const isHeld = history.some((entry) => 'hold' in entry && entry.hold);
  if (!Array.isArray(trail) || !begins || isHeld) return [];
  let left = 0;
  for (const entry of history) {
    if (entry.type === 'run_started')
      left += (entry.signals ?? []).filter(({ name }) => isBuffered(name)).length;
    if (entry.type === 'signal_received' && isBuffered(entry.name)) left++;
    if (entry.type === 'signal_refused' && entry.signal !== null) left--;
    const told =
      'unreadSignals' in entry
        ? entry.unreadSignals
        : entry.type === 'run_continued'
          ? entry.carriedSignals
          : null;
    if (told === null) continue;
    const taken = count(trail, 'took');
    return told === left - taken ? [] : [`${left} came, ${taken} taken, ${told} left`];
  }
  return [];
}

const isBuffered = (name: string): boolean => name.startsWith('w');

/** What a run hands over when it continues: of each name the last that it had, in the order in which they came (F17). */
export function wronglyCarried(
  history: readonly HistoryEntry[],
  carried: readonly CarriedSignal[],
): string[] {
  const had = new Map<number, CarriedSignal>();
  for (const [i, entry] of history.entries()) {
    if (entry.type === 'run_started')
      for (const [place, signal] of (entry.signals ?? []).entries()) had.set(-1 - place, signal);
    if (entry.type === 'signal_received') had.set(i + 1, entry);
    if (entry.type === 'signal_accepted') {
      const before = had.get(entry.signal);
      // Set, and not deleted first: a map keeps the place.
      if (before) had.set(entry.signal, { ...before, payload: entry.payload });
    }
    if (entry.type === 'signal_refused' && entry.signal !== null) had.delete(entry.signal);
  }
  const ofRun = [...had.entries()]
    .toSorted(([a], [b]) => placeOf(a) - placeOf(b))
    .map(([, { name, payload }]) => ({ name, payload }));
  const left = new Map<string, number>();
  for (const { name } of carried) left.set(name, (left.get(name) ?? 0) + 1);
  const expected = ofRun
    .toReversed()
    .filter(({ name }) => {
      const more = left.get(name) ?? 0;
      left.set(name, more - 1);
      return more > 0;
    })
    .toReversed();
  return unlessEqual(
    'F17: what nobody took travels in order',
    carried.map(({ name, payload }) => ({ name, payload })),
    expected,
  );
}

/** Those that the run before had handed over came before all others: −1, −2 … */
const placeOf = (seq: number): number => (seq < 0 ? -1e9 - seq : seq);

const idsOf = (history: readonly HistoryEntry[]): CommandId[] =>
  history.flatMap((entry) =>
    'id' in entry && !isEvent(entry) && entry.type !== 'activity_attempt' ? [entry.id] : [],
  );

const timesOf = (history: readonly HistoryEntry[]): number[] => history.map(({ at }) => at);

const endsOf = (history: readonly HistoryEntry[]): CommandId[] =>
  history.flatMap((entry) => {
    if (isEvent(entry)) return 'id' in entry && entry.type !== 'child_accepted' ? [entry.id] : [];
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
  // What is left alone may complete at any time, also while what came before it is undone.
  const abandoned = new Set(
    history.flatMap((entry) =>
      entry.type === 'child_started' && entry.parentClose === 'abandon' ? [entry.id] : [],
    ),
  );
  const undone = undosIn(history.slice(begin)).filter((id) => !abandoned.has(id));
  if (!expected) return undone;
  const compensated = new Set(
    history.flatMap((entry) =>
      'compensation' in entry && entry.compensation !== null && !abandoned.has(entry.id) ? [entry.id] : [],
    ),
  );
  let steps: CommandId[] = [];
  for (const entry of history) {
    if (entry.type === 'rollback_step_added') steps.push(entry.id);
    if (isCompletion(entry) && compensated.has(entry.id)) steps.push(entry.id);
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
  entries.flatMap((entry) => ('undoes' in entry && entry.undoes !== null ? [entry.undoes] : []));

const isCompletion = (entry: HistoryEntry): entry is ActivityCompleted | ChildCompleted =>
  entry.type === 'activity_completed' || entry.type === 'child_completed';

/** Only protected code asks for something new in a cancelled run: none where no scope protects anything. */
function unprotectedAfterCancel(history: readonly HistoryEntry[], trail: unknown): string[] {
  if (!Array.isArray(trail) || trail.includes('entered')) return [];
  const cancelled = history.findIndex(
    ({ type }) => type === 'cancel_requested' || type === 'deadline_passed',
  );
  const decided = history.some(({ type }) => type === 'run_completed' || type === 'run_continued');
  if (cancelled < 0 || decided) return [];
  return history.slice(cancelled).flatMap((entry) => {
    const isNew =
      entry.type === 'timer_started' ||
      entry.type === 'message_sent' ||
      ('undoes' in entry && entry.undoes === null);
    return isNew ? [entry.type] : [];
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
    // Also by the event in which its error came out.
    const next = history.findIndex((entry, i) => i >= to && isEvent(entry));
    const cleared = (id: CommandId): boolean =>
      history
        .slice(0, next < 0 ? history.length : next)
        .some((entry) => entry.type === 'rollback_cleared' && (entry.steps?.includes(id) ?? true));
    const completed = new Set(before.flatMap((entry) => (isCompletion(entry) ? [entry.id] : [])));
    const ended = new Set(endsOf(before));
    const undone = new Set(
      before.flatMap((entry) =>
        'undoes' in entry && entry.undoes !== null && ended.has(entry.id) ? [entry.undoes] : [],
      ),
    );
    return history.slice(from - 1, to).flatMap((entry) => {
      if (!('compensation' in entry) || entry.compensation === null) return [];
      // An activity gets an array of arguments, a child one input.
      const of = Number(/^\[?(\d+)\]?$/.exec(entry.args)?.[1] ?? 0);
      // In a loop one saga may begin while that of the turn before goes on: whose it was cannot be told.
      if (history.filter((other) => 'compensation' in other && other.args === entry.args).length > 1)
        return [];
      const isLeft = completed.has(entry.id) && !undone.has(entry.id) && !cleared(entry.id);
      // Other arguments than a label are 6 at most.
      return of > Math.max(label, 6) && of <= last && isLeft ? [entry.id] : [];
    });
  });
}
