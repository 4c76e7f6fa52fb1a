import { uuidv7 } from 'uuidv7';
import type { CommitAnswer, InboxMessage, Journal, Turn, WorkerId } from '../../../journal/index.js';
import { only } from '../concurrency.js';
import { NAMESPACE, ORDERS } from '../scenario.js';
import { StressCommitter } from './stress-committer.js';
import type { Random } from './random.js';
import { stamp } from './stress-entries.js';
import { type StressRecord, pause, startRequest } from './stress-record.js';
import { type Resident, advance, drawOutcome, fromHistory, turnFrom } from './stress-turns.js';
import { actorOf, asRunId, asWorkerId } from '../../../journal/index.js';

const SLOTS = 30;
const LIVES_LONG = 1_000;
const DIES_SOON = 150;

/**
 * A worker that claims, takes turns, commits in groups, loses answers, and every now and then leaves: in good order, or
 * as a crash, after which some of its runs go on as zombies.
 */
export class StressWorker {
  readonly #record: StressRecord;
  readonly #journal: Journal;
  readonly #other: Journal;
  readonly #random: Random;
  readonly #committer: StressCommitter;
  readonly #lives = new Set<Promise<void>>();
  #session: WorkerId = asWorkerId('');
  #residents = 0;

  constructor(record: StressRecord, journal: Journal, other: Journal, random: Random) {
    this.#record = record;
    this.#journal = journal;
    this.#other = other;
    this.#random = random;
    this.#committer = new StressCommitter(journal);
  }

  async run(): Promise<void> {
    while (!this.#record.stopped) await this.#liveOneSession();
    await Promise.all(this.#lives);
  }

  async #liveOneSession(): Promise<void> {
    const doomed = this.#random.chance(0.5);
    const leaseTimeout = doomed ? DIES_SOON : LIVES_LONG;
    const session = {
      id: asWorkerId(uuidv7()),
      namespace: NAMESPACE,
      name: 'stress',
      host: 'localhost',
      pid: 1,
      workflows: ORDERS,
      leaseTimeout,
    };
    const buildId = `build-${this.#random.below(2)}`;
    await this.#journal.register({ ...session, buildId, heartbeatInterval: leaseTimeout / 5 });
    this.#session = session.id;
    this.#residents = 0;
    const end = Date.now() + 50 + this.#random.below(350);
    let beat = Date.now();
    while (!this.#record.stopped && Date.now() < end) {
      if (Date.now() - beat > leaseTimeout / 5) {
        beat = Date.now();
        if ((await this.#journal.heartbeat(session.id)).type === 'dead') {
          this.#record.count('declared dead');
          return;
        }
      }
      await this.#fillSlots(session.id);
      await pause(1 + this.#random.below(3));
    }
    if (doomed) this.#record.count('crashes');
    else {
      this.#record.count('orderly stops');
      await this.#journal.unregister(session.id);
    }
  }

  async #fillSlots(owner: WorkerId): Promise<void> {
    const free = SLOTS - this.#residents;
    if (free <= 0) return;
    if (this.#random.chance(0.2)) await this.#startOwn(owner);
    const request = { owner, namespace: NAMESPACE, workflows: ORDERS, limit: Math.min(free, 10) };
    const suspects = this.#random.chance(0.2);
    const claims = suspects
      ? await this.#journal.claimSuspects({ ...request, waited: 0 })
      : await this.#journal.claim(request);
    this.#record.count(suspects ? 'claims of suspects' : 'claims', claims.length);
    if (claims.length === 0) return;
    const loaded = await this.#journal.load(
      claims.map(({ lease }) => ({ ...lease, historyAfter: 0, inboxAfter: null })),
    );
    claims.forEach(({ lease, inboxConsumed, workflowId, lineage }, i) => {
      const known = fromHistory(loaded[i]?.history ?? []);
      this.#house({ ...known, lease, consumed: inboxConsumed, workflowId, isChild: lineage !== null });
    });
  }

  /** A run that is born leased, with its first turn in the same write. */
  async #startOwn(owner: WorkerId): Promise<void> {
    const workflowId = this.#random.pick(this.#record.workflowIds) ?? '';
    const runId = asRunId(uuidv7());
    const lease = { owner, actorId: actorOf(runId), runId, token: 1 };
    const first = { owner, entries: [stamp(lease)] };
    const answer = only(await this.#journal.start([startRequest(workflowId, { runId, first })]));
    if (answer.type !== 'started') return;
    this.#record.count('born leased');
    this.#record.started.add(runId);
    // The session was ended meanwhile.
    if (answer.token === 0) return;
    this.#record.wrote(runId, 1);
    this.#house({
      ...fromHistory(first.entries),
      lease: { ...lease, token: answer.token },
      consumed: 0,
      workflowId,
      isChild: false,
    });
  }

  #house(resident: Resident): void {
    const session = this.#session;
    this.#residents++;
    const life: Promise<void> = this.#live(resident, session)
      .catch((error: unknown) => this.#record.violated('a verb failed', String(error)))
      .finally(() => {
        this.#lives.delete(life);
        if (session === this.#session) this.#residents--;
      });
    this.#lives.add(life);
  }

  async #live(resident: Resident, session: WorkerId): Promise<void> {
    for (let zombie = false; ;) {
      if (this.#random.chance(0.2)) await pause(this.#random.below(15));
      if (!zombie && session !== this.#session) {
        // Its session has ended: half of the runs are forgotten at once, the others sleep and go on as zombies.
        if (this.#random.chance(0.5)) return;
        zombie = true;
        await pause(this.#random.below(400));
      }
      const turn = await this.#takeTurn(resident);
      if (turn === null) return;
      const goesOn = await this.#settle(resident, turn, session);
      if (!goesOn) return;
    }
  }

  async #takeTurn(resident: Resident): Promise<Turn | null> {
    const { lease, consumed } = resident;
    const { messages } = only(
      await this.#journal.load([{ ...lease, historyAfter: null, inboxAfter: consumed }]),
    );
    if (messages.every(({ n }, i) => n === consumed + 1 + i)) return this.#turnFrom(resident, messages);
    // A holder that lost its lease may see that its successor has consumed some. Nobody else may see a gap.
    this.#record.count('gaps seen');
    if (await this.#holds(resident))
      this.#record.violated('a gap in the inbox', { lease, consumed, messages });
    return null;
  }

  #turnFrom(resident: Resident, messages: readonly InboxMessage[]): Turn {
    const outcome = drawOutcome(this.#random, resident, this.#record.stopped);
    return turnFrom(this.#record, this.#random, resident, messages, outcome);
  }

  /** Commits a turn until its fate is known; `true` where the holder goes on with the run. */
  async #settle(resident: Resident, asked: Turn, session: WorkerId): Promise<boolean> {
    for (let tries = 1; ; tries++) {
      const { answer, turn } = await this.#try(resident, asked, tries);
      this.#record.count(answer.type);
      switch (answer.type) {
        case 'applied':
          return this.#applied(resident, turn, session);
        case 'fenced':
        case 'signals unread':
          return true;
        case 'busy':
          await pause(1);
          continue;
        case 'lost':
          return false;
        case 'history lost':
          this.#record.violated('history lost, and nobody lost it', {
            lease: resident.lease,
            seq: resident.seq,
          });
          return false;
        case 'not due':
          this.#record.violated('not due, and no timer fired', resident.lease);
          return false;
        default:
          answer satisfies never;
      }
    }
  }

  #applied(resident: Resident, turn: Turn, session: WorkerId): boolean {
    this.#record.applied(turn);
    if (session !== this.#session) this.#record.count('applied after the end of a session');
    advance(resident, turn);
    const { outcome } = turn;
    if (outcome.type === 'continue') return outcome.successor.kept;
    return outcome.type === 'keep' || outcome.type === 'roll back';
  }

  async #try(resident: Resident, turn: Turn, tries: number): Promise<Tried> {
    if (tries > 3) return { turn, answer: only(await this.#journal.commit([turn], { wait: true })) };
    if (turn.decides && this.#random.chance(0.2)) return await this.#takeLocked(resident, turn);
    if (this.#random.chance(0.05)) return await this.#loseAnswer(resident, turn);
    return { turn, answer: await this.#committer.commit(turn) };
  }

  /** The row is locked first, so that no signal can refuse the turn (F17). */
  async #takeLocked(resident: Resident, asked: Turn): Promise<Tried> {
    const { lease, consumed } = resident;
    let turn = asked;
    const answer = await this.#journal.commitLocked(lease, consumed, async (messages) => {
      turn = turnFrom(this.#record, this.#random, resident, messages, asked.outcome);
      return turn;
    });
    this.#record.count(`locked: ${answer.type}`);
    if (answer.type === 'signals unread') this.#record.violated('signals unread under the lock', lease);
    return { turn, answer };
  }

  /** The connection dies around the commit, and the fence is moved while the bytes are still on their way. */
  async #loseAnswer(resident: Resident, turn: Turn): Promise<Tried> {
    const onItsWay = this.#journal.commit([turn]).then(only);
    if (this.#random.chance(0.5)) await pause(this.#random.below(3));
    const seen = only(await this.#other.refence([turn.lease]));
    const answer = await onItsWay;
    const applied = answer.type === 'applied';
    this.#record.count(`answers lost, then ${seen.type}`);
    const own = seen.type === 'closed' && seen.token === turn.lease.token;
    const ends = turn.outcome.type === 'close' || turn.outcome.type === 'continue';
    if (own !== (applied && ends)) {
      this.#record.violated('who closed the run is told wrongly', { turn, seen, answer });
    }
    if (seen.type !== 'held') return { turn, answer };
    const expected = turn.previousSeq + (applied ? turn.entries.length : 0);
    const fenced = { lease: seen.lease, seq: seen.lastSeq, consumed: seen.inboxConsumed };
    // Since the fence was moved the lease may have been lost, and a successor may have gone on: then there is more.
    if (seen.lastSeq < expected || (seen.lastSeq > expected && (await this.#holds(fenced)))) {
      this.#record.violated('the fence was moved, and history ends elsewhere', { expected, seen, answer });
    }
    if (applied) this.#applied(resident, turn, this.#session);
    Object.assign(resident, fenced);
    return { turn, answer: { type: 'fenced' } };
  }

  /** Whether the lease is really held: a turn that asks for nothing applies. */
  async #holds({ lease, seq, consumed }: Pick<Resident, 'lease' | 'seq' | 'consumed'>): Promise<boolean> {
    const nothing = {
      lease,
      previousSeq: seq,
      entries: [],
      consumedThrough: consumed,
      decides: false,
      firedUpTo: null,
    };
    const [answer] = await this.#journal.commit([{ ...nothing, outcome: { type: 'keep' } }], { wait: true });
    return answer?.type === 'applied';
  }
}

interface Tried {
  /** As it was committed: under the lock it is another one than was asked for. */
  readonly turn: Turn;
  readonly answer: CommitAnswer | { readonly type: 'fenced' };
}
