import {
  Backoff,
  JournalRefusedError,
  JournalUnavailableError,
  mayBeOneAtFault,
} from '../../journal/index.js';
import type {
  CommitAnswer,
  Journal,
  Lease,
  Patience,
  JournalRetry,
  RefenceAnswer,
  Turn,
} from '../../journal/index.js';
import { pause } from '../../concurrency/index.js';
import { Batcher } from '../../concurrency/index.js';

/** What became of a turn. `lease` is the one to go on with: an ambiguous failure moves the fencing token. */
export interface Committed {
  readonly answer:
    CommitAnswer | { readonly type: 'not applied' } | { readonly type: 'refused'; readonly error: Error };
  readonly lease: Lease;
}

/** What a flush came to: a turn that is not settled yet is tried again, or asked about, by itself. */
interface Flushed {
  readonly answer: Committed['answer'] | { readonly type: 'in doubt' };
  readonly lease: Lease;
}

/** So many times a busy turn goes along with a flush; then it is committed alone, waiting. */
const BUSY_TRIES = 5;

/**
 * Commits the turns of many actors together: one statement, one fsync.
 *
 * A caller commits one turn per actor at a time.
 */
export class GroupCommitter {
  readonly #journal: Journal;
  readonly #batches: Batcher<Turn, Flushed>;
  readonly #journalRetry: JournalRetry;
  #closed = false;

  constructor(journal: Journal, writers: number, journalRetry: JournalRetry) {
    this.#journal = journal;
    this.#journalRetry = journalRetry;
    this.#batches = new Batcher((turns) => this.#flush(turns), {
      writers,
      size: bytesOf,
      oneAtFault: mayBeOneAtFault,
    });
  }

  /**
   * Resolves when the turn is applied, or refused for good. One promise: the others are made where something came between.
   */
  commit(turn: Turn): Promise<Committed> {
    return new Promise((resolve, reject) => {
      const answered = (flushed: Flushed): void =>
        resolve(isApplied(flushed) ? flushed : this.#insist(turn, flushed));
      this.#batches.put(turn, answered, reject);
    });
  }

  /** A turn that its first flush has not applied; a changed fencing token is taken along. */
  async #insist(turn: Turn, first: Flushed): Promise<Committed> {
    let current = turn;
    let flushed = first;
    for (let tries = 1; ;) {
      const committed = isSettled(flushed) ? flushed : await this.#resolveAlone(current);
      const { answer, lease } = committed;
      switch (answer.type) {
        case 'busy':
          if (this.#closed) return notApplied(current);
          await pause(tries++);
          break;
        case 'not due':
          await pause(answer.ahead + 1);
          break;
        case 'not applied':
          if (lease.token === current.lease.token) return committed;
          current = { ...current, lease };
          tries = 1;
          break;
        case 'applied':
        case 'history lost':
        case 'lost':
        case 'refused':
        case 'signals unread':
          return committed;
        default:
          answer satisfies never;
      }
      flushed = tries > BUSY_TRIES ? await this.#alone(current) : await this.#batches.ask(current);
    }
  }

  /** From now on an unreachable journal, or a busy row, is not tried again: turns come back as not applied. */
  close(): void {
    this.#closed = true;
  }

  /** Beside the batches: whoever waits for a row takes no place in them. */
  async #alone(turn: Turn): Promise<Flushed> {
    const [flushed] = await this.#flush([turn], true);
    return flushed!;
  }

  async #resolveAlone(turn: Turn): Promise<Committed> {
    for (const backoff = new Backoff(); !this.#closed;) {
      const [resolved] = await this.#resolve([turn]);
      if (resolved && isSettled(resolved)) return resolved;
      await pause(backoff.next());
    }
    return notApplied(turn);
  }

  async #flush(turns: readonly Turn[], wait = false): Promise<readonly Flushed[]> {
    // A session that was lost and replaced leaves turns of both owners behind.
    const owner = turns[0]!.lease.owner;
    if (turns.some((turn) => turn.lease.owner !== owner)) return this.#byOwner(turns);
    try {
      const answers = await this.#journalRetry.through(
        'commit',
        () => this.#journal.commit(turns, { wait }),
        this.#unlessInDoubt,
      );
      return turns.map((turn, i) => ({ answer: answers[i]!, lease: turn.lease }));
    } catch (error) {
      if (error instanceof JournalUnavailableError) {
        return error.ambiguous ? this.#resolve(turns) : turns.map(notApplied);
      }
      if (!(error instanceof JournalRefusedError) || turns.length > 1) throw error;
      return [{ answer: { type: 'refused', error }, lease: turns[0]!.lease }];
    }
  }

  async #byOwner(turns: readonly Turn[]): Promise<readonly Flushed[]> {
    const done = new Map<Turn, Flushed>();
    for (const owner of new Set(turns.map((turn) => turn.lease.owner))) {
      const part = turns.filter((turn) => turn.lease.owner === owner);
      const flushed = await this.#flushPart(part);
      part.forEach((turn, i) => done.set(turn, flushed[i]!));
    }
    return turns.map((turn) => done.get(turn)!);
  }

  /** A turn that cannot be stored must not take back what the other parts of its batch were answered. */
  async #flushPart(turns: readonly Turn[]): Promise<readonly Flushed[]> {
    try {
      return await this.#flush(turns);
    } catch (error) {
      if (!(error instanceof JournalRefusedError) || turns.length === 1) throw error;
      const middle = turns.length >> 1;
      const first = await this.#flushPart(turns.slice(0, middle));
      return [...first, ...(await this.#flushPart(turns.slice(middle)))];
    }
  }

  /** The connection died around the commit: move the fences first, then read what is there. Never trust the reading alone. */
  async #resolve(turns: readonly Turn[]): Promise<readonly Flushed[]> {
    const answers = await this.#fencesMoved(turns);
    if (answers === null) return turns.map(notApplied);
    return turns.map((turn, i): Flushed => {
      const answer = answers[i]!;
      if (answer.type === 'unanswered') return { answer: { type: 'in doubt' }, lease: turn.lease };
      const end = turn.previousSeq + turn.entries.length;
      const written = turn.entries.length > 0 && answer.lastSeq >= end;
      switch (answer.type) {
        case 'held': {
          const applied = written || (turn.entries.length === 0 && consumed(turn, answer.inboxConsumed));
          // Whether there is mail was not told: let the holder look.
          return applied
            ? { answer: { type: 'applied', inboxSeq: turn.consumedThrough + 1 }, lease: answer.lease }
            : { answer: { type: 'not applied' }, lease: answer.lease };
        }
        case 'closed':
          return written && answer.token === turn.lease.token
            ? { answer: { type: 'applied', inboxSeq: 0 }, lease: turn.lease }
            : { answer: { type: 'lost' }, lease: turn.lease };
        case 'lost':
          return { answer: { type: 'lost' }, lease: turn.lease };
      }
    });
  }

  /** `null` when the journal cannot be reached and nobody waits any more. */
  async #fencesMoved(turns: readonly Turn[]): Promise<readonly RefenceAnswer[] | null> {
    try {
      return await this.#journalRetry.through(
        'refence',
        () => this.#journal.refence(turns.map((turn) => turn.lease)),
        this.#untilClosed,
      );
    } catch (error) {
      if (error instanceof JournalUnavailableError) return null;
      throw error;
    }
  }

  readonly #untilClosed: Patience = {
    again: (error) => error instanceof JournalUnavailableError && !this.#closed,
  };
  readonly #unlessInDoubt: Patience = {
    again: (error) => error instanceof JournalUnavailableError && !error.ambiguous && !this.#closed,
  };
}

/** A release that applied would not have left the lease. */
const consumed = (turn: Turn, inboxConsumed: number): boolean =>
  turn.outcome.type === 'keep' && inboxConsumed >= turn.consumedThrough;

const isApplied = (flushed: Flushed): flushed is Committed => flushed.answer.type === 'applied';

const isSettled = (flushed: Flushed): flushed is Committed => flushed.answer.type !== 'in doubt';

const notApplied = (turn: Turn): Committed => ({ answer: { type: 'not applied' }, lease: turn.lease });

/** About what a turn weighs on the wire. */
function bytesOf(turn: Turn): number {
  let bytes = 100;
  for (const entry of turn.entries) {
    bytes += 100;
    if ('args' in entry) bytes += entry.args.length;
    else if ('result' in entry) bytes += entry.result.length;
    else if ('payload' in entry) bytes += entry.payload.length;
    else if ('input' in entry) bytes += entry.input.length;
  }
  return bytes;
}
