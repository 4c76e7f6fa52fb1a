import { bytesOf } from '../../core/index.js';
import {
  Backoff,
  JournalRefusedError,
  JournalUnavailableError,
  mayBeOneAtFault,
} from '../../journal/index.js';
import type {
  CommitAnswer,
  JournalHolding,
  Lease,
  RepeatOptions,
  JournalRetry,
  RefenceAnswer,
  Turn,
} from '../../journal/index.js';
import { pause } from '../../concurrency/index.js';
import { Batcher } from '../../concurrency/index.js';
import type { Asker } from '../../concurrency/index.js';

/** What became of a turn. `lease` is the one to go on with: an ambiguous failure moves the fencing token. */
export interface Committed {
  readonly answer:
    CommitAnswer | { readonly type: 'not applied' } | { readonly type: 'refused'; readonly error: Error };
  readonly lease: Lease;
}

/** Hears what became of a turn. It is called beside the other turns of its batch, and must not throw. */
export interface CommitListener {
  committed(committed: Committed): void;
  commitFailed(error: unknown): void;
}

/** What a flush came to. A turn that is in doubt is asked about by itself. */
interface Flushed {
  readonly answer: Committed['answer'] | { readonly type: 'in doubt' };
  readonly lease: Lease;
}

/** How often a turn whose row is locked goes along with a batch. Then it is committed alone, and waits for the row. */
const BUSY_TRIES = 5;

/**
 * Commits the turns of many actors together: one statement, one fsync.
 *
 * A caller commits one turn per actor at a time.
 */
export class GroupCommitter {
  readonly #journal: JournalHolding;
  readonly #batches: Batcher<Turn, Flushed>;
  readonly #journalRetry: JournalRetry;
  #closed = false;

  constructor(journal: JournalHolding, writers: number, journalRetry: JournalRetry) {
    this.#journal = journal;
    this.#journalRetry = journalRetry;
    this.#batches = new Batcher((turns) => this.#flush(turns), {
      writers,
      size: sizeOf,
      oneAtFault: mayBeOneAtFault,
    });
  }

  /** Resolves when the turn is applied, or refused for good. */
  commit(turn: Turn): Promise<Committed> {
    return new Promise((committed, commitFailed) => this.commitFor({ committed, commitFailed }, turn));
  }

  /** As {@link commit}, without a promise where the first flush applies the turn: for who commits many. */
  commitFor(listener: CommitListener, turn: Turn): void {
    this.#batches.put(new FirstFlush(turn, listener, this.#insist));
  }

  /** Goes on with a turn that its first flush has not applied, under a new fencing token if it got one. */
  readonly #insist = async (turn: Turn, first: Flushed): Promise<Committed> => {
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
  };

  /** From now on an unreachable journal, or a busy row, is not tried again: turns come back as not applied. */
  close(): void {
    this.#closed = true;
  }

  /** Outside of the batches: a turn that waits for a row must not hold up others. */
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
    // After a session was lost and replaced, there may be turns of both.
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

  /** Flushes in parts, so that one turn that cannot be stored does not take back what other parts were answered. */
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

  /**
   * The connection died while the commit was under way. Moves the fences first, and then reads what is there: a reading alone
   * proves nothing, for the statement may still arrive.
   */
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
          // How far the inbox reaches was not told. One more than consumed makes the holder look.
          return applied
            ? { answer: { type: 'applied', inboxSeq: turn.consumedThrough + 1 }, lease: answer.lease }
            : { answer: { type: 'not applied' }, lease: answer.lease };
        }
        case 'closed':
          return written && answer.token === turn.lease.token
            ? { answer: { type: 'applied', inboxSeq: furtherThan(turn) }, lease: turn.lease }
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

  readonly #untilClosed: RepeatOptions = {
    again: (error) => error instanceof JournalUnavailableError && !this.#closed,
  };
  readonly #unlessInDoubt: RepeatOptions = {
    again: (error) => error instanceof JournalUnavailableError && !error.ambiguous && !this.#closed,
  };
}

/** A turn that waits for its first flush, which nearly always applies it. */
class FirstFlush implements Asker<Turn, Flushed> {
  readonly #listener: CommitListener;
  readonly #insist: (turn: Turn, first: Flushed) => Promise<Committed>;

  constructor(
    readonly request: Turn,
    listener: CommitListener,
    insist: (turn: Turn, first: Flushed) => Promise<Committed>,
  ) {
    this.#listener = listener;
    this.#insist = insist;
  }

  answered(flushed: Flushed): void {
    const listener = this.#listener;
    if (isApplied(flushed)) return listener.committed(flushed);
    this.#insist(this.request, flushed).then(
      (committed) => listener.committed(committed),
      (error: unknown) => listener.commitFailed(error),
    );
  }
  failed(error: unknown): void {
    this.#listener.commitFailed(error);
  }
}

/**
 * Whether a turn without entries has applied, though its lease is still held. Only one that keeps the lease can have; then
 * what it consumed is consumed.
 */
const consumed = (turn: Turn, inboxConsumed: number): boolean =>
  turn.outcome.type === 'keep' && inboxConsumed >= turn.consumedThrough;

/** What the inbox may reach after an end: of a run that goes on as another one, how far was not told. */
const furtherThan = ({ outcome, consumedThrough }: Turn): number =>
  outcome.type === 'continue' ? consumedThrough + 1 : 0;

const isApplied = (flushed: Flushed): flushed is Committed => flushed.answer.type === 'applied';

const isSettled = (flushed: Flushed): flushed is Committed => flushed.answer.type !== 'in doubt';

const notApplied = (turn: Turn): Committed => ({ answer: { type: 'not applied' }, lease: turn.lease });

/** About what a turn weighs on the wire. */
function sizeOf(turn: Turn): number {
  const { entries, outcome, refusals, children, sends, shows } = turn;
  let bytes = 100;
  for (const entry of entries) bytes += bytesOf(entry);
  // Nearly every turn has none of these.
  if (refusals) for (const { failure } of refusals) bytes += failure.length;
  if (children) for (const { input } of children) bytes += 300 + input.length;
  if (sends)
    for (const { payload, start } of sends)
      bytes += 100 + (payload?.length ?? 0) + (start?.input.length ?? 0);
  if (shows) bytes += JSON.stringify(shows).length;
  if (outcome.type === 'continue') return bytes + outcome.successor.start.length;
  return outcome.type === 'block' ? bytes + outcome.reason.length : bytes;
}
