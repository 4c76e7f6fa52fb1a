import { setImmediate } from 'node:timers/promises';
import { uuidv7 } from 'uuidv7';
import type { HistoryEntry } from '../../core/index.js';
import type {
  Claim,
  CommitAnswer,
  InboxMessage,
  Journal,
  Lease,
  Message,
  RunDescription,
  SendAnswer,
  StartAnswer,
  StartRequest,
  Turn,
  UpdateAnswer,
  WorkerId,
  WorkerSession,
} from '../../journal/index.js';
import { only } from './concurrency.js';
import { runCancelled, runCompleted, runFailed, runStarted } from './entries.js';
import type { JournalHarness } from './harness.js';
import type { Expect } from './test-runner.js';
import { actorOf, asRunId, asWorkerId } from '../../journal/index.js';

export const NAMESPACE = 'default';
export const ORDERS = [{ name: 'order', version: 1 }] as const;
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** One topic of the contract: what it defines its tests with. */
export interface Topic {
  readonly test: (name: string, body: (scenario: Scenario) => Promise<void>, timeout?: number) => void;
  readonly expect: Expect;
}

/** A run as its holder sees it: the lease, and where it believes history and inbox to be. */
export interface Held {
  readonly run: StartRequest;
  lease: Lease;
  seq: number;
  consumed: number;
}

type TurnChanges = Partial<Omit<Turn, 'lease'>>;

/** What the tests of the contract are told in: runs, workers and turns with sensible defaults. */
export class Scenario {
  readonly harness: JournalHarness;
  readonly journal: Journal;
  readonly #expect: Expect;
  #orders = 0;

  constructor(harness: JournalHarness, expect: Expect) {
    this.harness = harness;
    this.journal = harness.journal;
    this.#expect = expect;
  }

  // ------------------------------------------------------------------------------------------- runs

  request(changes: Partial<StartRequest> = {}): StartRequest {
    return {
      runId: asRunId(uuidv7()),
      namespace: NAMESPACE,
      workflowId: `order-${++this.#orders}`,
      workflow: 'order',
      version: 1,
      priority: 2,
      input: '{"total":12}',
      startAt: null,
      onConflict: 'fail',
      onReuse: 'allow',
      attributes: null,
      first: null,
      ...changes,
    };
  }

  /** Starts one run until it is answered otherwise than `again`, as who holds its workflow id may be slow. */
  async tryStart(changes: Partial<StartRequest> = {}, journal = this.journal): Promise<StartAnswer> {
    const request = this.request(changes);
    for (;;) {
      const answer = only(await journal.start([request]));
      if (answer.type !== 'again') return answer;
      await setImmediate();
    }
  }

  async started(changes: Partial<StartRequest> = {}): Promise<StartRequest> {
    return only(await this.startedMany(1, changes));
  }

  async startedMany(count: number, changes: Partial<StartRequest> = {}): Promise<readonly StartRequest[]> {
    const requests = Array.from({ length: count }, () => this.request(changes));
    const answers = await this.journal.start(requests);
    this.#expect(answers.map((answer) => answer.type)).toEqual(requests.map(() => 'started'));
    return requests;
  }

  /** A run that its worker was born with: its history has one entry, its inbox is empty. */
  async held(owner: WorkerId, changes: Partial<StartRequest> = {}): Promise<Held> {
    return only(await this.heldMany(1, owner, changes));
  }

  async heldMany(
    count: number,
    owner: WorkerId,
    changes: Partial<StartRequest> = {},
  ): Promise<readonly Held[]> {
    const runs = await this.startedMany(count, { first: { owner, entries: [runStarted()] }, ...changes });
    return runs.map((run) => ({
      run,
      lease: { owner, actorId: actorOf(run.runId), runId: run.runId, token: 1 },
      seq: run.first?.entries.length ?? 0,
      consumed: 0,
    }));
  }

  /** A run that was closed in this state. */
  async closed(
    state: 'completed' | 'failed' | 'cancelled' | 'terminated',
    changes: Partial<StartRequest> = {},
  ): Promise<StartRequest> {
    const { run, ...rest } = await this.held(await this.worker(), changes);
    if (state === 'terminated') {
      const { namespace, workflowId } = run;
      const [answer] = await this.journal.terminate([{ namespace, workflowId, runId: null, reason: null }]);
      this.#expect(answer).toMatchObject({ type: 'terminated' });
    } else {
      const end = state === 'completed' ? runCompleted() : state === 'failed' ? runFailed() : runCancelled();
      await this.applies(
        { run, ...rest },
        { entries: [end], decides: true, outcome: { type: 'close', state } },
      );
    }
    return run;
  }

  async describe(run: Pick<StartRequest, 'workflowId' | 'runId'>): Promise<RunDescription> {
    const { workflowId, runId } = run;
    const [description] = await this.journal.describe([{ namespace: NAMESPACE, workflowId, runId }]);
    if (!description) throw new Error(`The run ${runId} of ${workflowId} is not known.`);
    return description;
  }

  async historyOf(run: Pick<StartRequest, 'runId'>, after = 0): Promise<readonly HistoryEntry[]> {
    const { runId } = run;
    return only(
      await this.journal.load([{ actorId: actorOf(runId), runId, historyAfter: after, inboxAfter: null }]),
    ).history;
  }

  async inboxOf(run: Pick<StartRequest, 'runId'>, after = 0): Promise<readonly InboxMessage[]> {
    const { runId } = run;
    return only(
      await this.journal.load([{ actorId: actorOf(runId), runId, historyAfter: null, inboxAfter: after }]),
    ).messages;
  }

  // ---------------------------------------------------------------------------------------- messages

  signal(run: Pick<StartRequest, 'workflowId'>, changes: Partial<Message> = {}): Message {
    const { workflowId } = run;
    const base = { namespace: NAMESPACE, workflowId, runId: null, kind: 'signal', name: 'approve' } as const;
    return { ...base, payload: '"ok"', dedupeId: null, ...changes };
  }

  update(run: Pick<StartRequest, 'workflowId'>, updateId: string, changes: Partial<Message> = {}): Message {
    return this.signal(run, {
      kind: 'update',
      name: 'book',
      payload: '"ann"',
      dedupeId: updateId,
      ...changes,
    });
  }

  async answer(
    run: Pick<StartRequest, 'workflowId'>,
    updateId: string,
    journal = this.journal,
  ): Promise<UpdateAnswer> {
    const { workflowId } = run;
    return only(await journal.answers([{ namespace: NAMESPACE, workflowId, updateId }]));
  }

  cancel(run: Pick<StartRequest, 'workflowId'>, changes: Partial<Message> = {}): Message {
    return this.signal(run, { kind: 'cancel', name: null, payload: '"no longer needed"', ...changes });
  }

  /** Sends one message until it is answered otherwise than `again`. */
  async send(message: Message, journal = this.journal): Promise<SendAnswer> {
    for (;;) {
      const answer = only(await journal.send([message]));
      if (answer.type !== 'again') return answer;
      await setImmediate();
    }
  }

  async accepted(message: Message, journal = this.journal): Promise<number> {
    const answer = await this.send(message, journal);
    this.#expect(answer).toMatchObject({ type: 'accepted' });
    return answer.type === 'accepted' ? answer.n : 0;
  }

  /** A result that a holder gives back with the run, since its turn failed. */
  result(run: Pick<StartRequest, 'workflowId'>, changes: Partial<Message> = {}): Message {
    return this.signal(run, {
      kind: 'activity_result',
      name: '0',
      payload: '{"type":"completed"}',
      ...changes,
    });
  }

  // ----------------------------------------------------------------------------------------- workers

  session(changes: Partial<WorkerSession> = {}): WorkerSession {
    return {
      id: asWorkerId(uuidv7()),
      namespace: NAMESPACE,
      name: 'worker',
      host: 'localhost',
      pid: 4711,
      buildId: 'build-1',
      workflows: ORDERS,
      leaseTimeout: 30 * SECOND,
      heartbeatInterval: 10 * SECOND,
      ...changes,
    };
  }

  async worker(changes: Partial<WorkerSession> = {}, journal = this.journal): Promise<WorkerId> {
    const session = this.session(changes);
    await journal.register(session);
    return session.id;
  }

  async claim(
    owner: WorkerId,
    limit = 1_000,
    journal = this.journal,
    namespace = NAMESPACE,
  ): Promise<readonly Claim[]> {
    return await journal.claim({ owner, namespace, workflows: ORDERS, limit });
  }

  /** As whoever holds nothing: suspects that are due. */
  async claimSuspects(
    owner: WorkerId,
    { waited = 0, limit = 1_000, journal = this.journal, namespace = NAMESPACE } = {},
  ): Promise<readonly Claim[]> {
    return await journal.claimSuspects({ owner, namespace, workflows: ORDERS, limit, waited });
  }

  /** Claims everything of a namespace that is due, and tells whose it is. */
  async claimedIds(owner: WorkerId, namespace = NAMESPACE): Promise<readonly string[]> {
    return (await this.claim(owner, 1_000, this.journal, namespace))
      .map((claim) => claim.workflowId)
      .toSorted();
  }

  /** Claims this run, which must be the only one due. */
  async reclaimed(owner: WorkerId, run: StartRequest): Promise<Held> {
    const claims = await this.claim(owner);
    this.#expect(claims.map((claim) => claim.workflowId)).toEqual([run.workflowId]);
    const { lease, inboxConsumed } = only(claims);
    return { run, lease, seq: (await this.historyOf(run)).length, consumed: inboxConsumed };
  }

  // ------------------------------------------------------------------------------------------- turns

  turn(held: Held, changes: TurnChanges = {}): Turn {
    return {
      lease: held.lease,
      previousSeq: held.seq,
      entries: [],
      consumedThrough: held.consumed,
      decides: false,
      firedUpTo: null,
      outcome: { type: 'keep' },
      ...changes,
    };
  }

  /** Commits one turn, and moves the holder's belief with it when it was applied. */
  async commit(
    held: Held,
    changes: TurnChanges = {},
    options: { wait?: boolean } = {},
  ): Promise<CommitAnswer> {
    const turn = this.turn(held, changes);
    const answer = only(await this.journal.commit([turn], options));
    if (answer.type === 'applied' && turn.outcome.type !== 'block') believe(held, turn);
    return answer;
  }

  /** Commits one turn until it is answered otherwise than `busy`. */
  async settles(held: Held, changes: TurnChanges = {}, journal = this.journal): Promise<CommitAnswer> {
    const turn = this.turn(held, changes);
    for (;;) {
      const answer = only(await journal.commit([turn]));
      if (answer.type === 'applied') believe(held, turn);
      if (answer.type !== 'busy') return answer;
      await setImmediate();
    }
  }

  async applies(held: Held, changes: TurnChanges = {}): Promise<void> {
    this.#expect(await this.commit(held, changes)).toMatchObject({ type: 'applied' });
  }

  async releases(held: Held, wakeAt: number | null = null): Promise<void> {
    await this.applies(held, { outcome: { type: 'release', wakeAt } });
  }

  async blocks(held: Held, delay: number, reason = 'The code does not fit the history.'): Promise<void> {
    await this.applies(held, { outcome: { type: 'block', reason, delay } });
  }

  async completes(held: Held): Promise<void> {
    await this.applies(held, { entries: [runCompleted()], decides: true, outcome: COMPLETED });
  }
}

export const COMPLETED = { type: 'close', state: 'completed' } as const;

function believe(held: Held, turn: Turn): void {
  held.seq = turn.previousSeq + turn.entries.length;
  held.consumed = turn.consumedThrough;
}
