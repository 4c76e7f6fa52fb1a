import { patched } from '../core/index.js';
import type { Attributes, Codec, HistorySize, Mistakes, PlainPatch, ShownChange } from '../core/index.js';
import { JournalUnavailableError, mayBeOneAtFault, NO_DEADLINES } from '../journal/index.js';
import type {
  FirstShown,
  HeartbeatAnswer,
  JournalHolding,
  JournalWorkers,
  JournalReading,
  LoadRequest,
  Loaded,
  Message,
  JournalRetry,
  StartAnswer,
  StartRequest,
} from '../journal/index.js';
import type { Observer } from '../observability/index.js';
import type { Wakeup } from '../wakeup/index.js';
import { ActivityExecutor } from './activities/activity-executor.js';
import type { AsyncScope } from './process/async-scope.js';
import { Batcher } from '../concurrency/index.js';
import type { TimeLimit } from '../concurrency/index.js';
import { DatabaseClock } from './worker/database-clock.js';
import { traceForeign } from './process/foreign-tracer.js';
import { GroupCommitter } from './commit/group-committer.js';
import { InboxPoll } from './worker/inbox-poll.js';
import { Mismatches } from './replay-check/fold-comparison.js';
import { guardProcess } from './process/process-guard.js';
import { servedNames } from './registry.js';
import type { NamedVersion, Registry } from './registry.js';
import { chooseAmong } from './run/continuation.js';
import { ResidentRuns } from './run/resident-runs.js';
import type { RunHost } from './run/run-host.js';
import type { WindowScheduler } from './process/window-scheduler.js';
import { LeaseAudit } from './worker/lease-audit.js';
import { Watchdog } from './process/watchdog.js';
import type { WatchdogOptions } from './process/watchdog.js';
import { SessionKeeper } from './worker/session-keeper.js';

/** What a start came to, once it need not wait for anybody's transaction. */
export type DecidedStart = Exclude<StartAnswer, { type: 'again' | 'unanswered' }>;

/** Starts runs in batches. */
export interface Starter {
  /**
   * @param waits called when the start has to wait for an open transaction that has the workflow id. It gives the request to
   *   wait with, which may be another one: a start that waits should not hold a slot.
   */
  ask(request: StartRequest, waits?: () => StartRequest): Promise<DecidedStart>;
}

export interface EngineParts {
  /** Whose runs it takes. */
  readonly namespace: string;
  readonly journal: JournalHolding & JournalWorkers & JournalReading;
  readonly registry: Registry;
  /** Limited to the largest payload. */
  readonly codec: Codec;
  readonly observer: Observer;
  readonly wakeup: Wakeup;
  readonly scheduler: WindowScheduler;
  readonly scope: AsyncScope;
  /** One batch of starts for the whole process. */
  readonly starts: Starter;
  /** Sends one message. Waits for a locked target, some seconds at most. */
  readonly send: (message: Message) => Promise<unknown>;
  readonly journalRetry: JournalRetry;
  /** Hears of answers of updates once they are committed. */
  readonly answered: RunHost['answered'];
  readonly settings: EngineSettings;
}

/** Durations in ms. */
export interface EngineSettings {
  /** How many runs are held in memory at a time. */
  readonly runs: number;
  /** How many attempts of activities run at a time. */
  readonly activities: number;
  readonly shutdownTimeout: number;
  readonly workerName: string;
  readonly buildId: string;
  readonly leaseTimeout: number;
  readonly heartbeatInterval: number;
  readonly parkAfter: number;
  /** Commits under way at a time. */
  readonly writers: number;
  readonly replayCheck: boolean;
  readonly continueAfter?: HistorySize | undefined;
  readonly largestHistory?: HistorySize | undefined;
  readonly mistakes?: Mistakes;
  readonly residency: 'sticky' | 'always replay';
  /** The watchdog that sees whether a workflow keeps the whole process busy; `null` for none. */
  readonly watchdog: WatchdogOptions | null;
}

/** How long an interrupted activity may take to stop, in ms. */
const INTERRUPT_TIMEOUT = 1_000;
/** What closing may take beyond the shutdown timeout, in ms: twice {@link INTERRUPT_TIMEOUT}, and the end of the session. */
export const CLOSING = 3_000;

/** The worker of a process: holds runs in memory, takes their turns, executes activities, commits. `ContinuumRuntime` starts and stops it. */
export class Engine {
  readonly runs: ResidentRuns;
  readonly session: SessionKeeper;
  readonly clock = new DatabaseClock();
  /** What it takes runs of, under each name that they may be stored with. */
  readonly served: readonly NamedVersion[];
  readonly #parts: EngineParts;
  readonly #committer: GroupCommitter;
  readonly #loads: Batcher<LoadRequest, Loaded>;
  readonly #journalRetry: JournalRetry;
  readonly #leaseAudit: LeaseAudit;
  readonly #inboxPoll: InboxPoll;
  #unguard: (() => void) | undefined;
  #unlisten: (() => void) | undefined;
  #watchdog: Watchdog | undefined;
  #stopped: Promise<void> | undefined;
  /** Versions that other workers have, newer than any here. Told by the heartbeat, so that no run asks for them. */
  #newerElsewhere: ReadonlyMap<string, number> = new Map();
  #leaving = false;

  constructor(parts: EngineParts) {
    this.#parts = parts;
    const { journal, registry, codec, observer, scheduler, scope, settings, journalRetry } = parts;
    this.#journalRetry = journalRetry;
    this.served = servedNames(registry.workflows);
    this.#committer = new GroupCommitter(journal, settings.writers, journalRetry);
    this.#loads = new Batcher((requests) => journal.load(requests), {
      writers: 2,
      items: 100,
      oneAtFault: mayBeOneAtFault,
    });
    this.runs = new ResidentRuns(
      {
        journal,
        committer: this.#committer,
        executor: new ActivityExecutor({ registry, codec, scope, observer, slots: settings.activities }),
        scheduler,
        scope,
        clock: this.clock,
        codec,
        observer,
        settings,
        journalRetry,
        load: (request) => journalRetry.through('load', () => this.#loads.ask(request)),
        mismatches: new Mismatches(),
        chooseSuccessor: chooseAmong(registry.workflows, (workflow) => this.#newerElsewhere.get(workflow)),
        serves: (workflow, version) => this.runs.definitionOf(workflow, version) !== undefined,
        send: (message) => this.#send(message),
        answered: parts.answered,
        stranded: (lease) => this.#leaseAudit.sight(lease),
        sent: (what) =>
          what === 'child'
            ? parts.wakeup.tell({ type: 'run ready' })
            : parts.wakeup.tellHere({ type: 'messages to deliver' }),
      },
      settings.runs,
      registry.workflows,
    );
    this.session = new SessionKeeper(
      journal,
      this.clock,
      observer,
      {
        namespace: parts.namespace,
        name: settings.workerName,
        buildId: settings.buildId,
        workflows: this.served,
        leaseTimeout: settings.leaseTimeout,
        heartbeatInterval: settings.heartbeatInterval,
      },
      {
        beat: (answer) => this.#hear(answer),
        lost: () => {
          this.#newerElsewhere = new Map();
          this.#leaseAudit.forget();
          this.runs.dropAll();
        },
        // What was held is free again, for this worker too.
        reopened: () => parts.wakeup.tell({ type: 'run ready' }),
      },
      journalRetry,
    );
    this.#inboxPoll = new InboxPoll(journal, this.runs, this.session);
    this.#leaseAudit = new LeaseAudit({
      journal,
      runs: this.runs,
      session: this.session,
      observer,
      journalRetry,
      freed: () => parts.wakeup.tell({ type: 'run ready' }),
    });
  }

  /** Takes no new runs: it was not started, is stopping, or lost its session. */
  get accepting(): boolean {
    return this.session.open && !this.#leaving;
  }

  /** From now on rejections and throws of a run are the run's (F24); in development, what its code begins that is not durable is noted (F13). */
  #watchProcess(): () => void {
    const watches = [guardProcess(), ...(this.#parts.settings.replayCheck ? [traceForeign()] : [])];
    return () => {
      for (const end of watches) end();
    };
  }

  #watch(): Watchdog | undefined {
    const { journal, scheduler, observer, settings } = this.#parts;
    if (!settings.watchdog) return undefined;
    const { timeout } = settings.watchdog;
    const watchdog = new Watchdog(
      settings.watchdog,
      (run) => observer.notice({ type: 'event loop blocked', run, timeout }),
      journal.stuckMark(),
    );
    scheduler.watchedBy(watchdog);
    return watchdog;
  }
  async #unwatch(): Promise<void> {
    this.#parts.scheduler.watchedBy(null);
    await this.#watchdog?.stop();
  }

  async start(): Promise<void> {
    await this.session.start();
    this.#unguard = this.#watchProcess();
    this.#watchdog = this.#watch();
    this.runs.start();
    this.#unlisten = this.#parts.wakeup.listen((hint) => {
      if (hint.type !== 'message arrived') return;
      if (hint.actorId === '*') this.#inboxPoll.look();
      else this.runs.get(hint.actorId)?.mailArrived(null);
    });
  }

  /**
   * Starts a run. With a free slot it is born leased to this worker, and its first turn is part of the same write:
   * it is rehearsed in memory, takes effect only when the start was accepted, and is forgotten otherwise.
   */
  async startRun(request: StartRequest): Promise<DecidedStart> {
    const owner = this.session.id;
    const isDue = request.startAt === null && request.startDelay == null;
    const run = this.accepting && isDue ? this.runs.prepare(request, owner) : undefined;
    if (!run) return this.#parts.starts.ask(request);
    try {
      const message = {
        n: 0,
        kind: 'start',
        name: null,
        payload: request.input,
        at: this.clock.now(),
        ...(request.attributes && { attributes: request.attributes }),
        ...(request.by != null && { by: request.by }),
      } as const;
      const rehearsed = await run.rehearse(message);
      // Gives the slot back: the run will be started without being held here.
      const unleased = (): StartRequest => {
        this.runs.discard(run);
        return request;
      };
      if (rehearsed === null) return await this.#parts.starts.ask(unleased());
      const { entries, shows } = rehearsed;
      const answer = await this.#parts.starts.ask(
        { ...request, first: { owner, entries, ...(shows && { shown: shownOver(request, shows) }) } },
        unleased,
      );
      if (answer.type === 'started' && answer.token > 0)
        run.born(answer.token, answer.deadlines ?? NO_DEADLINES, entries);
      else this.runs.discard(run);
      return answer;
    } catch (error) {
      // Whether it was started is not known. If it was, with its lease, the lease audit gives that back.
      this.runs.discard(run);
      throw error;
    }
  }

  /** Makes a claim and takes up what it brings, one claim at a time. While one is under way, the lease audit passes over what it may bring. */
  claiming<T>(claim: () => Promise<T>): Promise<T> {
    return this.#leaseAudit.duringClaim(claim);
  }

  /** Takes no new runs from now on; what is held goes on. */
  leave(): void {
    this.#leaving = true;
    this.session.leave();
  }

  /**
   * Gives every run back and ends the session; takeover by other workers is immediate. Twice is harmless.
   *
   * @param others work that may still bring runs, which are then given back: the session ends after it
   */
  stop(closing: TimeLimit, others: Promise<unknown>): Promise<void> {
    this.leave();
    return (this.#stopped ??= this.#stop(closing, others));
  }

  /** Forgets everything without a goodbye, as a killed process does: for tests of takeovers. */
  async abandon(): Promise<void> {
    this.#leaving = true;
    this.#stopped ??= Promise.resolve();
    this.#endRounds();
    this.#unlisten?.();
    this.#unguard?.();
    await this.session.abandon();
    this.runs.dropAll();
    await this.#unwatch();
  }

  async #stop(closing: TimeLimit, others: Promise<unknown>): Promise<void> {
    const grace = Math.min(this.#parts.settings.shutdownTimeout, Math.max(0, closing.left - CLOSING));
    const drained = this.runs.drain(grace, INTERRUPT_TIMEOUT);
    await closing.meet(Promise.all([drained, others]), grace + 2 * INTERRUPT_TIMEOUT);
    this.#committer.close();
    this.#journalRetry.end();
    this.#endRounds();
    this.#unlisten?.();
    await closing.meet(this.session.stop());
    this.#unguard?.();
    await closing.meet(this.#unwatch());
  }

  #endRounds(): void {
    this.#inboxPoll.end();
    this.#leaseAudit.end();
  }

  /** What a heartbeat tells about the actors of this worker. */
  #hear(answer: Extract<HeartbeatAnswer, { type: 'alive' }>): void {
    for (const { actorId, inboxSeq } of answer.unread) this.runs.get(actorId)?.mailArrived(inboxSeq);
    this.#newerElsewhere = new Map(answer.newer.map(({ name, version }) => [name, version]));
    this.#leaseAudit.heard(answer);
  }

  /** Sends to an actor that this engine holds. Whoever else has its row locked has it only for a moment, so it is tried until it works. */
  async #send(message: Message): Promise<void> {
    await this.#journalRetry.through('send', () => this.#parts.send(message), { again: outageOrHeldActor });
  }
}

/** What lists show of a run whose first turn is written together with its start. */
function shownOver({ attributes }: StartRequest, shows: ShownChange): FirstShown {
  // The casts: attributes are plain JSON.
  const before = (attributes ?? {}) as Attributes;
  const after = patched(before, shows.attributes as PlainPatch);
  return { attributes: after === before ? attributes : after, details: shows.details ?? null };
}

const outageOrHeldActor = (error: Error): boolean => error instanceof JournalUnavailableError;
