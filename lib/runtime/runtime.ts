import { isNamed, TimeoutFailure } from '../core/index.js';
import type { Codec } from '../core/index.js';
import { TimeLimit, inRootContext } from '../concurrency/index.js';
import {
  LeaseRescuer,
  OutboxDispatcher,
  OverdueSweeper,
  RunDispatcher,
  UnservedWatch,
} from '../dispatch/index.js';
import { asyncScope, CLOSING, Engine, limitedCodec, newWorkerId, WindowScheduler } from '../engine/index.js';
import type { EngineSettings, Departure, Registry, ResidentFacts, SettledUpdate } from '../engine/index.js';
import type { ActorId, Journal, JournalRetry, OverdueRun } from '../journal/index.js';
import { observedRetry } from '../observability/index.js';
import type { InstanceFacts, Observer } from '../observability/index.js';
import { Wakeup } from '../wakeup/index.js';
import type { Idle } from '../client/client-parts.js';
import { UnknownWorkflowError } from '../client/errors.js';
import { MessageSender } from '../client/message-sender.js';
import { ResultWaiter } from '../client/result-waiter.js';
import { UpdateWaiter } from '../client/update-waiter.js';
import { StartBatcher } from '../client/start-batcher.js';
import { WorkflowClient } from '../client/workflow-client.js';

export interface RuntimeOptions {
  readonly journal: Journal;
  readonly codec: Codec;
  readonly observer: Observer;
  readonly namespace: string;
  readonly maxPayloadBytes: number;
  /** Who asks, where a call does not say so. Defaults to nobody. */
  readonly actor?: (() => string | undefined) | undefined;
  /** `null` for a client only. */
  readonly worker: EngineSettings | null;
  /** The schema of the journal's tables, for observers. Defaults to `null`: in memory. */
  readonly schema?: string | null;
  /** Only this process sees the journal. */
  readonly journalIsPrivate: boolean;
  /** What this process can do, as far as it is known before {@link ContinuumRuntime.register}: an early start needs it. Defaults to nothing. */
  readonly preview?: () => Registry;
}

const NOTHING: Registry = { workflows: [], activities: new Map() };

/** How often a worker looks for runs that nobody serves, and for those of them whose time is over. In ms. */
const LOOK_FOR_UNSERVED = 30_000;
/** How often to look for dead workers, in ms. */
const RESCUE_EVERY = 2_000;
/** What a run ends with whose time is over, and that no worker could have taken. */
const UNSERVED = 'The run timed out while no live worker had its workflow.';
/** How long a claim under way is waited for before what is held begins to be given back, in ms. */
const CLAIM_TIMEOUT = 1_000;

/**
 * One instance of Continuum: a client, and a worker unless it is a client only. It knows no framework; `lib/nest` starts and
 * stops it.
 */
export class ContinuumRuntime {
  readonly client: WorkflowClient;
  readonly #options: RuntimeOptions;
  readonly #wakeup: Wakeup;
  readonly #results: ResultWaiter;
  readonly #updates: UpdateWaiter;
  readonly #scheduler = new WindowScheduler();
  readonly #codec: Codec;
  /** Waits out outages of the journal, for the whole process. */
  readonly journalRetry: JournalRetry;
  readonly #starts: StartBatcher;
  readonly #sender: MessageSender;
  /** Workflows that were started here and are run elsewhere, by name and version: each is told of once. */
  readonly #unserved = new Set<string>();
  #registry: Registry | undefined;
  #begun = false;
  #engine: Engine | undefined;
  #dispatcher: RunDispatcher | undefined;
  #rescuer: LeaseRescuer | undefined;
  #unservedWatch: UnservedWatch | undefined;
  #sweeper: OverdueSweeper | undefined;
  #outbox: OutboxDispatcher | undefined;
  #listening: Promise<void> | undefined;
  /** Takes no new runs any more, or will not begin to. */
  #leaving = false;
  #draining = false;
  /** What became of runs while it was drained; `null` once it was told. */
  #drained: { givenBack: number; ended: number; left: number } | null = { givenBack: 0, ended: 0, left: 0 };
  #deadline: TimeLimit | undefined;
  #closing: Promise<void> | undefined;

  constructor(options: RuntimeOptions) {
    this.#options = options;
    const { journal, observer } = options;
    this.journalRetry = observedRetry(observer);
    this.#codec = limitedCodec(options.codec, options.maxPayloadBytes);
    this.#wakeup = new Wakeup(journal, options.namespace, newWorkerId());
    this.#results = new ResultWaiter(journal, this.#wakeup, this.journalRetry);
    this.#updates = new UpdateWaiter(journal, this.#wakeup, this.journalRetry);
    this.#starts = new StartBatcher(journal, this.journalRetry);
    this.#sender = new MessageSender(journal);
    this.client = new WorkflowClient({
      namespace: options.namespace,
      journal,
      codec: this.#codec,
      wakeup: this.#wakeup,
      scheduler: this.#scheduler,
      scope: asyncScope,
      starts: this.#starts,
      sender: this.#sender,
      results: this.#results,
      updates: this.#updates,
      actor: options.actor ?? (() => undefined),
      engine: () => this.#engine,
      workflows: () => (this.#registry ?? options.preview?.() ?? NOTHING).workflows,
      checkServed: (workflow, version) => this.#checkServed(workflow, version),
      idle: () => this.#idle(),
    });
  }

  get engine(): Engine | undefined {
    return this.#engine;
  }

  /** What this process can do. Before {@link startWorker}. */
  register(registry: Registry): void {
    this.#registry = registry;
  }

  #idle(): Idle | null {
    if (this.#options.worker === null || this.#begun) return null;
    return this.#leaving || this.#draining || this.#closing ? 'too late' : 'too early';
  }

  /** A client only expects other processes to have its workflows; a worker more likely forgot one. */
  #checkServed(workflow: string, version: number): void {
    const { worker, journalIsPrivate, preview, observer } = this.#options;
    const registry = this.#registry ?? preview?.();
    if (worker === null || !registry) return;
    if (registry.workflows.some((known) => known.version === version && isNamed(known, workflow))) return;
    if (journalIsPrivate) {
      throw new UnknownWorkflowError(
        workflow,
        `Nobody else sees its journal, so a run of version ${version} would wait forever. Add its class to the providers of a module.`,
      );
    }
    const key = `${workflow}\u0000${version}`;
    if (this.#unserved.has(key)) return;
    this.#unserved.add(key);
    observer.notice({ type: 'workflow not served here', workflow, version });
  }

  /** Hears other processes from now on. Losing the connection later costs time, nothing else. */
  #listen(): Promise<void> {
    return (this.#listening ??= this.#wakeup.start().catch((error: unknown) => {
      this.#listening = undefined;
      throw error;
    }));
  }

  /**
   * Begins to take turns; a client-only process just begins to hear of the others'. Throws where the journal cannot be
   * reached: then it may be called again.
   */
  startWorker(): Promise<void> {
    return inRootContext(() => this.#startWorker());
  }

  async #startWorker(): Promise<void> {
    const { namespace, worker, journal, observer } = this.#options;
    if (this.#closing || this.#draining) return;
    this.#begun = true;
    if (worker === null) {
      await this.#listen();
      observer.notice({ type: 'client started', ...this.#facts() });
      return;
    }
    const engine = new Engine({
      namespace,
      journal,
      observer,
      registry: this.#registry ?? NOTHING,
      codec: this.#codec,
      wakeup: this.#wakeup,
      scheduler: this.#scheduler,
      scope: asyncScope,
      starts: this.#starts,
      send: (message) => this.#sender.send(message),
      journalRetry: this.journalRetry,
      answered: (run, actorId, answers) => this.#answered(run, actorId, answers),
      settings: worker,
    });
    engine.runs.listen((run, departure) => {
      // Other workers can take it up at once, and need not wait until the last run has left.
      if (this.#draining) {
        this.#wakeup.tellOthers({ type: 'run ready' });
        this.#countDrained(departure);
      }
      if (departure.type === 'continued') this.#continued(run.facts, departure);
      if (departure.type !== 'closed') return;
      observer.notice({
        type: 'run closed',
        run: run.facts,
        state: departure.state,
        error: this.#errorOf(departure.last),
        rollback: 'rollback' in departure.last ? departure.last.rollback : 'none',
      });
      this.#results.ended(run.facts.runId, departure.last);
      this.#updates.closed(run.facts);
      this.#wakeup.tellOthers({ type: 'run closed', runId: run.facts.runId });
    });
    await this.#listen();
    await engine.start();
    this.#engine = engine;
    this.#dispatcher = new RunDispatcher(journal, engine, this.#wakeup, this.journalRetry);
    const canTell = (): boolean => engine.session.isSteady;
    this.#rescuer = new LeaseRescuer(
      journal,
      namespace,
      this.#wakeup,
      observer,
      RESCUE_EVERY,
      canTell,
      this.journalRetry,
    );
    if (this.#leaving) engine.leave();
    else this.#dispatcher.start();
    this.#unservedWatch = new UnservedWatch(
      journal,
      namespace,
      observer,
      LOOK_FOR_UNSERVED,
      this.journalRetry,
    );
    this.#rescuer.start();
    this.#unservedWatch.start();
    this.#sweeper = new OverdueSweeper(
      journal,
      namespace,
      this.#codec.encodeFailure(new TimeoutFailure(UNSERVED)),
      (run) => this.#overdue(run),
      LOOK_FOR_UNSERVED,
      this.journalRetry,
    );
    this.#sweeper.start();
    this.#outbox = new OutboxDispatcher(journal, namespace, this.#wakeup, this.journalRetry);
    this.#outbox.start();
    observer.notice({ type: 'worker started', workerId: engine.session.id, ...this.#facts() });
    if (this.#closing || this.#draining) await this.drain();
  }

  #continued(run: ResidentFacts, { last, next }: Extract<Departure, { type: 'continued' }>): void {
    const { runId, workflow, version } = last;
    this.#options.observer.notice({
      type: 'run continued',
      run,
      next: { workflow, workflowId: run.workflowId, runId },
      version,
    });
    this.#results.ended(run.runId, last);
    this.#wakeup.tellOthers({ type: 'run closed', runId: run.runId });
    // It is for a worker that has the class.
    if (next === null) this.#wakeup.tellOthers({ type: 'run ready' });
  }

  /** A run was ended whose time is over, and that no worker could have taken. */
  #overdue({ workflow, workflowId, runId, rollback }: OverdueRun): void {
    const { namespace, observer } = this.#options;
    observer.notice({
      type: 'run closed',
      run: { workflow, workflowId, runId },
      state: 'timed_out',
      error: new TimeoutFailure(UNSERVED),
      rollback,
    });
    this.#updates.closed({ namespace, workflowId });
    this.#wakeup.tell({ type: 'run closed', runId });
    // What its parent and its children are told.
    this.#wakeup.tellHere({ type: 'messages to deliver' });
  }

  /** Answers were committed here. Who waits for them in this process gets them at once, all others look. */
  #answered(run: ResidentFacts, actorId: ActorId, answers: readonly SettledUpdate[]): void {
    const { namespace, workflowId } = run;
    for (const { updateId, answer } of answers)
      this.#updates.answered({ namespace, workflowId, updateId }, answer);
    this.#wakeup.tellOthers({ type: 'updates answered', actorId });
  }

  /** All of closing together takes no longer. It runs from the first step of it. */
  get closing(): TimeLimit {
    return (this.#deadline ??= new TimeLimit((this.#options.worker?.shutdownTimeout ?? 0) + CLOSING));
  }

  /** Claims nothing more; what is held goes on. */
  async stopClaiming(): Promise<void> {
    const { closing } = this;
    this.#leaving = true;
    this.#engine?.leave();
    await closing.meet(this.#dispatcher?.stop() ?? Promise.resolve(), CLAIM_TIMEOUT);
  }

  /** Gives everything back, within the shutdown timeout. Takeover by other workers is immediate. */
  async drain(): Promise<void> {
    this.#draining = true;
    const began = performance.now();
    const { closing } = this;
    const others = Promise.all([this.#dispatcher?.stop(), this.#rescuer?.stop()]);
    // They take nothing up: the session need not wait for them.
    const watching = Promise.all([this.#unservedWatch?.stop(), this.#sweeper?.stop()]);
    await this.#engine?.stop(closing, others);
    await closing.meet(watching);
    // Last: runs that end meanwhile tell their parents.
    await closing.meet(this.#outbox?.stop() ?? Promise.resolve());
    this.#wakeup.tellOthers({ type: 'run ready' });
    this.#tellDrained(Math.round(performance.now() - began));
  }

  #countDrained(departure: Departure): void {
    if (this.#drained === null) return;
    switch (departure.type) {
      case 'closed':
        this.#drained.ended++;
        return;
      case 'continued':
        // The next one is counted when it leaves; without one here, another worker claims it.
        if (departure.next === null) this.#drained.givenBack++;
        return;
      case 'released':
      case 'blocked':
        this.#drained.givenBack++;
        return;
      case 'lost':
        this.#drained.left++;
        return;
      default:
        departure satisfies never;
    }
  }

  /** Tells once what became of the runs: draining is asked for by several steps of closing. */
  #tellDrained(took: number): void {
    if (this.#drained === null || !this.#engine) return;
    const { observer } = this.#options;
    observer.notice({ type: 'worker drained', workerId: this.#engine.session.id, took, ...this.#drained });
    this.#drained = null;
  }

  #facts(): InstanceFacts {
    const { namespace, schema = null } = this.#options;
    const { workflows, activities } = this.#registry ?? NOTHING;
    return {
      namespace,
      schema,
      workflows: workflows.map(({ name, aliases, version, signals, queries }) => ({
        name,
        ...(aliases?.length && { aliases }),
        version,
        signals: [...signals],
        queries: [...queries],
      })),
      // One that has aliases is there under each.
      activities: [...new Set([...activities.values()].map(({ definition }) => definition.name))],
    };
  }

  /** Ends everything but the journal, which is closed by the one that opened it. Twice is harmless. */
  close(): Promise<void> {
    return (this.#closing ??= inRootContext(() => this.#close()));
  }

  async #close(): Promise<void> {
    await this.drain();
    this.#results.stop();
    this.#updates.stop();
    await this.closing.meet(this.#wakeup.stop());
  }

  #errorOf(last: { readonly type: string; readonly failure?: string }): unknown {
    return last.failure === undefined ? null : this.#codec.decodeFailure(last.failure);
  }
}
