import type { ActivityHeartbeat, CommandId, Encoded, Instant } from '../../core/index.js';
import { LongTimer } from '../../concurrency/index.js';

export interface HeartbeatNotesParts {
  readonly now: () => Instant;
  /** What the attempt under way last told; `null` when none is, or it told nothing. */
  readonly lastOf: (id: CommandId) => Encoded | null;
  /** There is a note. */
  readonly wake: () => void;
}

/**
 * Progress that attempts tell of is recorded now and then, so that the next attempt can go on from about there. Less and less
 * often in the course of an attempt, because every record is read at each replay.
 */
export class HeartbeatNotes {
  readonly #parts: HeartbeatNotesParts;
  /** How often progress is recorded, for each attempt that told of any: most runs have none. */
  #paces: Map<CommandId, { timer: LongTimer | null; wait: number }> | null = null;
  #notes: ActivityHeartbeat[] = [];

  constructor(parts: HeartbeatNotesParts) {
    this.#parts = parts;
  }

  get any(): boolean {
    return this.#notes.length > 0;
  }
  take(): readonly ActivityHeartbeat[] {
    if (this.#notes.length === 0) return NONE;
    const notes = this.#notes;
    this.#notes = [];
    return notes;
  }

  /** An attempt has told of its progress. */
  beat(id: CommandId): void {
    const paces = (this.#paces ??= new Map());
    let pace = paces.get(id);
    if (!pace) paces.set(id, (pace = { timer: null, wait: FIRST_BEAT }));
    if (pace.timer) return;
    const { wait } = pace;
    pace.wait = Math.min(wait * 2, LONGEST_BEAT);
    pace.timer = LongTimer.start(wait, () => {
      pace.timer = null;
      this.#record(id);
    });
  }

  /** The attempt is over. */
  ended(id: CommandId): void {
    this.#paces?.get(id)?.timer?.cancel();
    this.#paces?.delete(id);
  }
  /** What was told is of no use any more. */
  drop(id: CommandId): void {
    if (this.#notes.length > 0) this.#notes = this.#notes.filter((note) => note.id !== id);
  }
  /** Drops notes that were not recorded: they belong to a history that the journal does not have. */
  clear(): void {
    this.#notes = [];
  }
  stop(): void {
    for (const { timer } of this.#paces?.values() ?? []) timer?.cancel();
    this.#paces?.clear();
  }

  #record(id: CommandId): void {
    const details = this.#parts.lastOf(id);
    if (details === null) return;
    this.#notes.push({ type: 'activity_heartbeat', at: this.#parts.now(), id, details });
    this.#parts.wake();
  }
}

const NONE: readonly ActivityHeartbeat[] = [];
/** How long progress waits to be recorded: at first, and at most. In ms. */
const FIRST_BEAT = 1_000;
const LONGEST_BEAT = 60_000;
