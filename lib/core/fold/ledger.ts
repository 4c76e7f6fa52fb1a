import type { Codec } from '../codec.js';
import type { WorkflowDefinition } from '../definitions.js';
import { isEvent, isNote, isNoteOfCode, isShownNote, isTerminal } from '../entry-catalogue.js';
import { bytesOf } from '../entry-size.js';
import { NonDeterminismError } from '../errors.js';
import type { TurnFault } from '../errors.js';
import type { HistorySize } from '../history-limits.js';
import type {
  CallbackOpened,
  CallbackWithdrawn,
  ChildCancelRequested,
  ChildStarted,
  CommandId,
  HistoryCommand,
  HistoryEntry,
  HistoryEvent,
  HistoryNote,
  MessageSent,
  Instant,
} from '../history.js';
import { RunProgress } from '../progress.js';
import { nameOf, sameKind } from './matching.js';
import { Patches } from './patches.js';
import type { MatchTally, Segment } from './segment.js';

/** A command that has its effect outside of the run: on another one, or on whoever may reach it. */
export type OutwardCommand =
  ChildStarted | ChildCancelRequested | MessageSent | CallbackOpened | CallbackWithdrawn;

/** Tells where the code was: ` at …`, or nothing. Asked for a message only, since it takes a while. */
export type CallSite = () => string;

/**
 * The history of a run as far as it was folded: compared while an event is replayed, appended to while it is live
 * (F4, F6, F7). There is no second path through the fold.
 */
export class Ledger implements MatchTally {
  readonly progress = new RunProgress();
  readonly patches = new Patches();
  reordered = 0;
  changedArguments = 0;
  readonly #definition: WorkflowDefinition;
  readonly #codec: Codec;
  readonly #strict: boolean;
  #fault: TurnFault | null = null;
  #seq = 0;
  #eventSeq = 0;
  #bytes = 0;
  #eventBytes = 0;
  #now: Instant = 0;
  #nextId: CommandId = 0;
  /** The recorded segment of the event that is being handled; `null` while it is live. */
  #segment: Segment | null = null;
  #emitted: HistoryEntry[] = [];
  /** Notes that came while an event was open: they are appended after its segment (F4). */
  #notes: HistoryNote[] | null = null;
  /** Those behind a held event that was let go: they are written again, after its segment. */
  #takenBack: HistoryNote[] | null = null;
  /** What its code has noted: behind its commands, and before the end of the run. */
  #notesOfCode: HistoryNote[] | null = null;
  #outward: OutwardCommand[] | null = null;
  #lastCommand: HistoryCommand | null = null;
  #lastSite: CallSite | null = null;

  readonly #onFault: () => void;
  readonly #mark: (() => CallSite) | null;
  /** Where the code is now. */
  readonly #callSite: CallSite | null;

  constructor(
    definition: WorkflowDefinition,
    codec: Codec,
    strict: boolean,
    onFault: () => void,
    mark: (() => CallSite) | null = null,
    callSite: CallSite | null = null,
  ) {
    this.#callSite = callSite;
    this.#onFault = onFault;
    this.#mark = mark;
    this.#definition = definition;
    this.#codec = codec;
    this.#strict = strict;
  }

  /** Why the turn cannot go on. The first reason counts. */
  get fault(): TurnFault | null {
    return this.#fault;
  }
  /** The sequence number of the last entry. */
  get seq(): number {
    return this.#seq;
  }
  /** The sequence number of the event that is being handled, or was last (F9). */
  get eventSeq(): number {
    return this.#eventSeq;
  }
  /** How large the history is with that event, which is the last entry of it that code can know of (F9). */
  get eventSize(): HistorySize {
    return { entries: this.#eventSeq, bytes: this.#eventBytes };
  }
  /** How large the history is by now. */
  get size(): HistorySize {
    return { entries: this.#seq, bytes: this.#bytes };
  }
  /** The time of that event; it never goes back (F9). */
  get now(): Instant {
    return this.#now;
  }
  /** The id that the next command gets when it is live. */
  get nextId(): CommandId {
    return this.#nextId;
  }
  /** A window replays exactly when its event was loaded from the journal (F4). */
  get replaying(): boolean {
    return this.#segment !== null;
  }

  /** What the code once noted in the event that is being handled, while it is replayed. */
  get recordedNotes(): readonly HistoryNote[] {
    return this.#segment?.notes ?? [];
  }

  /**
   * Whether a signal has to be checked before somebody takes it (F34). In a replay the history decides: it was checked if a
   * check is recorded, whatever the code says now.
   */
  needsCheck(signal: number, hasSchema: boolean): boolean {
    return this.#segment === null ? hasSchema : this.#segment.checks(signal);
  }

  /** Of an event that is replayed: whether the undoing of this command began in it. */
  wasUndone(command: CommandId): boolean {
    return this.#segment?.undoes(command) ?? false;
  }

  /** What the code last asked for, for messages; `null` before it asked for anything. */
  get lastAsked(): string | null {
    const last = this.#lastCommand;
    const number = last && 'id' in last && 'name' in last ? ` (command ${last.id})` : '';
    return last && `${nameOf(last)}${number}${this.#lastSite?.() ?? ''}`;
  }

  fail(fault: TurnFault): void {
    if (this.#fault !== null) return;
    this.#fault = fault;
    this.#onFault();
  }

  beginEvent(event: HistoryEvent, segment: Segment | null): void {
    this.#segment = segment;
    this.#eventSeq = this.#seq + 1;
    this.#now = Math.max(this.#now, event.at);
    // What is recorded agrees with what code sees: time does not go back in a history either.
    this.append(segment !== null || event.at === this.#now ? event : { ...event, at: this.#now });
    this.#eventBytes = this.#bytes;
  }

  /**
   * The last event is held no more, and more commands may follow in its segment. What was noted behind it is taken back, and
   * stands behind those (F4).
   *
   * @returns the event as it is recorded now; `null` where there is none that is new and held
   */
  letGo(): HistoryEvent | null {
    const place = this.#emitted.findLastIndex(isEvent);
    const event = this.#emitted[place];
    if (!event || !isEvent(event) || !('hold' in event) || !event.hold) return null;
    while (isNote(this.#emitted.at(-1)!)) this.#takeBack(this.#emitted.pop() as HistoryNote);
    return (this.#emitted[place] = { ...event, hold: false });
  }

  /** The last entry. What is shown is settled anew when the event is over (see `Shown`); all else is put back then. */
  #takeBack(note: HistoryNote): void {
    this.#seq--;
    this.#bytes -= bytesOf(note);
    if (isShownNote(note)) return;
    const notes = isNoteOfCode(note) ? (this.#notesOfCode ??= []) : (this.#takenBack ??= []);
    notes.unshift(note);
  }

  /** What was recorded and not asked for again is drift (F7). */
  endEvent(): void {
    const missing = this.#segment?.unmatched;
    if (missing) this.fail(this.#drift(missing, null));
    if (this.#segment !== null) for (const note of this.#segment.notes) this.applyRecorded(note);
    this.#segment = null;
    if (this.#fault !== null) return;
    this.#appendNotesOfCode();
    // Nothing stands behind the end of a run (F16), and what was in flight concerns nobody any more.
    if (this.progress.closed === null) {
      // The progress knows these already, and would count an interruption twice.
      if (this.#takenBack !== null) for (const note of this.#takenBack) this.#write(note);
      if (this.#notes !== null) for (const note of this.#notes) this.append(note);
    }
    this.#takenBack = null;
    this.#notes = null;
  }

  /** A fact about work in flight that came up while an event is open: it stands behind its segment (F4). */
  noteAfterEvent(note: HistoryNote): void {
    (this.#notes ??= []).push(note);
  }

  /**
   * A fact that the code has noted: it stands behind the commands that the event makes, and before the end of the run if
   * the event ends it, for nothing stands behind that (F16).
   */
  noteOfCode(note: HistoryNote): void {
    (this.#notesOfCode ??= []).push(note);
  }

  #appendNotesOfCode(): void {
    if (this.#notesOfCode === null) return;
    for (const note of this.#notesOfCode) this.append(note);
    this.#notesOfCode = null;
  }

  /**
   * Appends a command, or finds the recorded one that stands for it. `null` is drift: the turn has failed.
   *
   * @param asked with {@link nextId} as its id, if it has one
   * @param aliases other names that it may be recorded under. Defaults to none.
   */
  record<C extends HistoryCommand>(asked: C, aliases?: readonly string[]): C | null {
    if (this.#fault !== null) return null;
    this.#lastCommand = asked;
    if (this.#mark !== null) this.#lastSite = this.#mark();
    if (this.#segment === null) {
      if ('id' in asked) this.#nextId++;
      if (this.#notesOfCode !== null && isTerminal(asked)) this.#appendNotesOfCode();
      this.append(asked);
      return asked;
    }
    const recorded = this.#segment.match(asked, this.#strict, this.#codec, this, aliases);
    if (recorded === null) {
      this.fail(this.#drift(this.#segment.unmatched, asked));
      return null;
    }
    this.applyRecorded(recorded);
    // They are equal in kind, so they have one type.
    return recorded as C;
  }

  /** An entry of the history that is not compared: notes, and everything where there is no code (F22). */
  applyRecorded(entry: HistoryEntry): void {
    this.#seq++;
    this.#bytes += bytesOf(entry);
    if (isEvent(entry)) this.#now = Math.max(this.#now, entry.at);
    if ('id' in entry) this.#nextId = Math.max(this.#nextId, entry.id + 1);
    this.progress.apply(entry);
  }

  /** Records a command that reaches other runs: the journal does more for its turn than append. */
  recordOutward<C extends OutwardCommand>(asked: C, aliases?: readonly string[]): C | null {
    const recorded = this.record(asked, aliases);
    if (recorded !== null && this.#segment === null) (this.#outward ??= []).push(recorded);
    return recorded;
  }

  /** Such commands, appended since they were last taken; `null`: none. */
  takeOutward(): readonly OutwardCommand[] | null {
    const outward = this.#outward;
    this.#outward = null;
    return outward;
  }

  takeEmitted(): HistoryEntry[] {
    const emitted = this.#emitted;
    this.#emitted = [];
    return emitted;
  }

  /** A new entry; while replaying, the event that begins a recorded segment. */
  append(entry: HistoryEntry): void {
    this.progress.apply(entry);
    this.#write(entry);
  }

  #write(entry: HistoryEntry): void {
    this.#seq++;
    this.#bytes += bytesOf(entry);
    if (this.#segment === null) this.#emitted.push(entry);
  }

  /** The error for a recorded entry that the code does not come to. */
  driftAt(entry: HistoryEntry, reason: string): NonDeterminismError {
    const recorded = nameOf(entry);
    return this.#driftError(`Recorded as entry ${this.#seq + 1}: ${recorded} (${whenOf(entry)}). ${reason}`, {
      recorded,
      recordedAt: entry.at,
      agreedUpTo: this.#seq,
    });
  }

  #drift(recorded: HistoryCommand | null, asked: HistoryCommand | null): NonDeterminismError {
    const agreedUpTo = this.#eventSeq + (this.#segment?.agreed ?? 0);
    const withArguments = recorded !== null && asked !== null && sameKind(recorded, asked);
    const recordedName = recorded && nameOf(recorded, withArguments);
    const askedName = asked && nameOf(asked, withArguments);
    // Only then the code's own line is on the stack: what the fold asks for by itself has none.
    const site = asked !== null && isCalled(asked) ? (this.#callSite?.() ?? '') : '';
    const there = recorded === null ? 'nothing more for this event' : `${recordedName} (${whenOf(recorded)})`;
    return this.#driftError(
      `Recorded as entry ${agreedUpTo + 1}: ${there}. Asked for now: ${askedName ?? 'nothing'}${site}.`,
      {
        recorded: recordedName,
        recordedAt: recorded?.at ?? null,
        asked: askedName,
        agreedUpTo,
        site: site.replace(/^ at /, '') || null,
      },
    );
  }

  #driftError(facts: string, drift: Drift): NonDeterminismError {
    const { name, version } = this.#definition;
    return new NonDeterminismError(
      `The code of ${name}, version ${version}, does not do what the history of this run says. ${facts} ` +
        `They agree up to entry ${drift.agreedUpTo}. Deploy the old code again, or give the new code a new version of the workflow.`,
      drift.recorded,
      drift.asked ?? null,
      drift.agreedUpTo,
      drift.recordedAt,
      drift.site ?? null,
    );
  }
}

interface Drift {
  readonly recorded: string | null;
  readonly recordedAt: Instant | null;
  readonly asked?: string | null;
  readonly agreedUpTo: number;
  readonly site?: string | null;
}

/** Whether code of the workflow called for it, at this very moment. */
const isCalled = (command: HistoryCommand): boolean =>
  'id' in command && !('undoes' in command && command.undoes !== null);

/** The last instant that a date can tell. */
const LAST_INSTANT = 8.64e15;
const whenOf = ({ at }: HistoryEntry): string =>
  Math.abs(at) <= LAST_INSTANT ? new Date(at).toISOString() : `at ${at}`;
