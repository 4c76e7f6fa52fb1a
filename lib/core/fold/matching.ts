import type { Codec } from '../codec.js';
import { isKnownEntry, isTerminal } from '../entry-catalogue.js';
import type {
  EncodedFailure,
  HistoryCommand,
  HistoryEntry,
  RollbackStarted,
  TerminalEntry,
} from '../history.js';
import { isError } from '../thrown.js';
import { limit } from '../values/failure-limits.js';

/** Same kind of command about the same thing, whatever its arguments (F7). */
export function sameKind(a: HistoryCommand, b: HistoryCommand): boolean {
  if (a.type !== b.type || subjectOf(a) !== subjectOf(b)) return false;
  return undoesOf(a) === undoesOf(b);
}

/** Of a compensation: the command it undoes. */
const undoesOf = (command: HistoryCommand): number | null => ('undoes' in command ? command.undoes : null);

/** Equal in kind, name and arguments; options and due times are never compared (F7). */
export const sameCommand = (a: HistoryCommand, b: HistoryCommand): boolean =>
  sameKind(a, b) && argumentsOf(a) === argumentsOf(b);

/** Equal text for what {@link sameCommand} holds equal. */
export function matchKey(command: HistoryCommand): string {
  const undoes = undoesOf(command) ?? '';
  return `${command.type}\0${subjectOf(command)}\0${undoes}\0${argumentsOf(command)}`;
}

/**
 * In place of a version: the newest that is served. Which one that was stands in the history, and code that asks for it
 * again does not say.
 */
export const NEWEST = 0;

/**
 * A command as the code would have asked for it when the activity or the workflow that it is about had other names: one for
 * each of them. So a rename is no drift.
 */
export function underOtherNames<C extends HistoryCommand>(
  command: C,
  names: readonly string[],
): readonly C[] {
  return names.map((name) => {
    if (command.type === 'run_continued') return { ...command, workflow: name };
    if (command.type !== 'message_sent') return { ...command, name };
    return { ...command, ...(command.start && { start: { ...command.start, workflow: name } }) };
  });
}

/** The outcome of a run: exact in every mode, and never out of order (F7). */
export type EndingCommand = RollbackStarted | TerminalEntry;
export const isEnding = (command: HistoryCommand): command is EndingCommand =>
  command.type === 'rollback_started' || isTerminal(command);

/** Equal in all but time and stack: a stack tells where the code stands on disk. */
export function sameEnding(a: EndingCommand, b: HistoryCommand, codec: Codec): boolean {
  if (a.type !== b.type) return false;
  switch (a.type) {
    case 'run_completed':
      return a.result === (b as typeof a).result && sameRemains(a, b as typeof a);
    case 'run_failed':
    case 'run_cancelled':
    case 'run_timed_out': {
      const other = b as typeof a;
      return (
        a.rollback === other.rollback && sameRemains(a, other) && sameFailure(a.failure, other.failure, codec)
      );
    }
    case 'run_continued': {
      const other = b as typeof a;
      return (
        a.workflow === other.workflow &&
        (a.version === NEWEST || other.version === NEWEST || a.version === other.version) &&
        a.input === other.input &&
        a.carriedSignals === other.carriedSignals &&
        sameIds(a.abandoned, other.abandoned)
      );
    }
    case 'rollback_started': {
      const other = b as typeof a;
      return (
        a.outcome === other.outcome &&
        a.unreadSignals === other.unreadSignals &&
        sameFailure(a.failure, other.failure, codec)
      );
    }
    case 'run_terminated':
      return true;
    default:
      return a satisfies never;
  }
}

/** How a command is called in messages: `activity_scheduled StockActivities.reserve`. */
export function nameOf(entry: HistoryEntry, withArguments = false): string {
  const subject =
    'name' in entry
      ? entry.name
      : 'of' in entry
        ? entry.of
        : 'id' in entry
          ? entry.id
          : 'updateId' in entry
            ? entry.updateId
            : entry.type === 'run_continued'
              ? `as ${entry.workflow}`
              : null;
  const value = withArguments ? valueOf(entry) : '';
  const type = isKnownEntry(entry) ? entry.type : `${entry.type} (${UNKNOWN})`;
  return `${type}${subject === null ? '' : ` ${subject}`}${value && ` ${limit(value, LONGEST_SHOWN)}`}`;
}

const UNKNOWN = 'a type of entry that only newer versions of nestjs-continuum know';

/** Characters of a value in a message. */
const LONGEST_SHOWN = 1_000;

const valueOf = (entry: HistoryEntry): string =>
  'args' in entry
    ? entry.args
    : 'result' in entry
      ? entry.result
      : 'failure' in entry
        ? (entry.failure ?? '')
        : 'input' in entry
          ? entry.input
          : '';

function subjectOf(command: HistoryCommand): string | number | null {
  switch (command.type) {
    case 'message_sent':
      return `${command.name ?? ''} ${command.workflowId}${command.start ? `\0${command.start.workflow}` : ''}`;
    case 'activity_scheduled':
    case 'child_started':
    case 'callback_opened':
    case 'timer_started':
    case 'side_effect_recorded':
    case 'rollback_step_added':
      return command.name;
    case 'activity_cancel_requested':
    case 'child_cancel_requested':
    case 'callback_withdrawn':
    case 'timer_cancelled':
      return command.of;
    case 'signal_check_requested':
      return command.signal;
    case 'update_answered':
      return command.updateId;
    case 'rollback_cleared':
    case 'rollback_started':
    case 'run_completed':
    case 'run_failed':
    case 'run_cancelled':
    case 'run_timed_out':
    case 'run_terminated':
      return null;
    case 'run_continued':
      return command.workflow;
    default:
      return command satisfies never;
  }
}

function argumentsOf(command: HistoryCommand): string {
  if (command.type === 'message_sent' && command.input !== undefined)
    return `${command.args}\0${command.input}`;
  if ('args' in command) return command.args;
  // A failure has a stack, which tells where the code stands on disk: only that it is one is compared.
  if (command.type === 'update_answered')
    return command.outcome.type === 'value' ? command.outcome.value : `failure ${command.unanswered ?? ''}`;
  return '';
}

interface Remains {
  readonly abandoned: readonly number[];
  readonly unreadSignals: number;
}
const sameRemains = (a: Remains, b: Remains): boolean =>
  a.unreadSignals === b.unreadSignals && sameIds(a.abandoned, b.abandoned);

const sameIds = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i]);

function sameFailure(a: EncodedFailure, b: EncodedFailure, codec: Codec): boolean {
  return a === b || sameError(codec.decodeFailure(a), codec.decodeFailure(b), codec);
}

function sameError(a: unknown, b: unknown, codec: Codec): boolean {
  if (!isError(a) || !isError(b))
    return !isError(a) && !isError(b) && codec.encodeOwn(a) === codec.encodeOwn(b);
  return (
    a.name === b.name &&
    a.message === b.message &&
    (a.cause === undefined) === (b.cause === undefined) &&
    (a.cause === undefined || sameError(a.cause, b.cause, codec))
  );
}
