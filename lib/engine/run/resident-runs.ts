import { setInterval, clearInterval } from 'node:timers';
import { ChurningMap, inRootContext } from '../../concurrency/index.js';
import { namesOf } from '../../core/index.js';
import type { Instant, WorkflowDefinition } from '../../core/index.js';
import { actorOf, NO_DEADLINES } from '../../journal/index.js';
import type { ActorId, Claim, Loaded, RunId, StartRequest, WorkerId } from '../../journal/index.js';
import { unrefPause } from '../../concurrency/index.js';
import type { NextRun } from './continuation.js';
import type { Holding } from './held-run.js';
import { ResidentRun } from './resident-run.js';
import type { Departure, ResidentFacts, RunHost } from './run-host.js';

/** How long a run with nothing to do stays in memory, in ms. */
const GRACE = 1_000;
const SWEEP_EVERY = 250;

/** The runs that this worker holds, within its slots. A run with nothing to do is given back after a second. */
export class ResidentRuns {
  readonly #runs = new ChurningMap<ActorId, ResidentRun>();
  readonly #byRun = new ChurningMap<RunId, ResidentRun>();
  readonly #host: RunHost;
  readonly #slots: number;
  readonly #workflows: ReadonlyMap<string, WorkflowDefinition>;
  readonly #listeners = new Set<RunsListener>();
  #sweeper: NodeJS.Timeout | undefined;
  #draining = false;
  /** Room is being made for a suspect, which must be alone. */
  #vacating = false;
  #emptied: (() => void)[] = [];

  constructor(host: RunHost, slots: number, workflows: readonly WorkflowDefinition[]) {
    this.#host = host;
    this.#slots = slots;
    this.#workflows = new Map(
      workflows.flatMap((workflow) =>
        namesOf(workflow).map((name) => [keyOf(name, workflow.version), workflow] as const),
      ),
    );
  }

  get size(): number {
    return this.#runs.size;
  }
  get free(): number {
    return this.#draining || this.#vacating ? 0 : Math.max(0, this.#slots - this.#runs.size);
  }
  get(actorId: ActorId): ResidentRun | undefined {
    return this.#runs.get(actorId);
  }
  ofRun(runId: RunId): ResidentRun | undefined {
    return this.#byRun.get(runId);
  }
  /** @param name as a run is stored: that of the workflow, or an alias */
  definitionOf(name: string, version: number): WorkflowDefinition | undefined {
    return this.#workflows.get(keyOf(name, version));
  }

  /** Hears of runs that leave. */
  listen(listener: RunsListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  start(): void {
    this.#sweeper ??= setInterval(() => this.#sweep(), SWEEP_EVERY).unref();
  }

  /** Takes up a run that was claimed for this worker. */
  take(claim: Claim, loaded: Loaded): void {
    const run = this.#claimed(claim);
    inRootContext(() => void run.resume(loaded));
    if (this.#draining) run.leave();
  }

  /** Gives runs back that were claimed too late to be taken up. */
  async giveBack(claims: readonly Claim[]): Promise<void> {
    await Promise.all(claims.map((claim) => inRootContext(() => this.#claimed(claim).giveBack())));
  }

  /** Blocks a run that was claimed for this worker and cannot be read. */
  refuse(claim: Claim, error: Error): void {
    const run = this.#claimed(claim);
    inRootContext(() => void run.refuse(error));
  }

  /** A run that is about to be started, holding one slot; {@link discard} gives it back. */
  prepare(request: StartRequest, owner: WorkerId): ResidentRun | undefined {
    const definition = this.definitionOf(request.workflow, request.version);
    if (!definition || this.free === 0) return undefined;
    const lease = { owner, actorId: actorOf(request.runId), runId: request.runId, token: 0 };
    return this.#add(definition, request, {
      lease,
      inboxSeq: 0,
      inboxConsumed: 0,
      failedTurns: 0,
      deaths: 0,
      lineage: null,
      deadlines: NO_DEADLINES,
    });
  }
  discard(run: ResidentRun): void {
    run.drop();
  }

  /** Nothing held is ours any more. */
  dropAll(): void {
    for (const run of this.#runs.values()) run.drop();
  }

  /** Gives runs back as they become idle, to make room for a suspect. Until {@link reopen} no slot counts as free. */
  vacate(): void {
    this.#vacating = true;
    for (const run of this.#runs.values()) run.leave();
  }
  reopen(): void {
    this.#vacating = false;
  }

  /** Gives every run back: first as they become idle, after `grace` ms by force. */
  async drain(grace: number, patience: number): Promise<void> {
    this.#draining = true;
    for (const run of this.#runs.values()) run.leave();
    await Promise.race([this.#empty(), unrefPause(grace)]);
    await Promise.all([...this.#runs.values()].map((run) => run.interrupt(patience)));
    await Promise.race([this.#empty(), unrefPause(patience)]);
    clearInterval(this.#sweeper);
    this.dropAll();
  }

  #claimed(claim: Claim): ResidentRun {
    const definition = this.definitionOf(claim.workflow, claim.version);
    if (!definition)
      throw new Error(
        `Claimed a run of ${claim.workflow} version ${claim.version}, which is not registered here.`,
      );
    const run = this.#add(definition, { ...claim, runId: claim.lease.runId }, claim);
    this.#host.observer.notice({ type: 'run claimed', run: run.facts, deaths: claim.deaths });
    return run;
  }

  #add(
    definition: WorkflowDefinition,
    { workflow, workflowId, runId, namespace }: ResidentFacts,
    holding: Holding,
  ): ResidentRun {
    const facts = { workflow, workflowId, runId, namespace };
    const run = new ResidentRun(this.#host, definition, facts, holding, (left, departure) =>
      this.#left(left, departure),
    );
    this.#runs.set(run.actorId, run);
    this.#byRun.set(run.facts.runId, run);
    return run;
  }

  /** A run has continued as another one: goes on with it in its place, without a claim. */
  #continue({ namespace, workflowId }: ResidentFacts, { workflow, version, holding, start }: NextRun): void {
    const definition = this.definitionOf(workflow, version);
    // It was looked up before the last run was ended.
    if (!definition) return this.#host.stranded(holding.lease);
    const { runId } = holding.lease;
    const run = this.#add(definition, { workflow, workflowId, runId, namespace }, holding);
    inRootContext(() => void run.resume({ history: [], messages: [start] }));
    if (this.#draining || this.#vacating) run.leave();
  }

  #empty(): Promise<void> {
    if (this.#runs.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#emptied.push(resolve));
  }

  #sweep(): void {
    // Short of slots, an idle run is of no use in memory.
    const grace = this.free === 0 ? 0 : GRACE;
    const now = performance.now();
    for (const run of this.#runs.values()) {
      if (run.idleSince !== null && now - run.idleSince >= grace) run.release();
    }
  }

  #left(run: ResidentRun, departure: Departure): void {
    // A run that was lost and claimed again is another object under the same id.
    if (this.#runs.get(run.actorId) !== run) return;
    this.#runs.delete(run.actorId);
    this.#byRun.delete(run.facts.runId);
    if (departure.type === 'continued' && departure.next) this.#continue(run.facts, departure.next);
    for (const listener of this.#listeners) listener(run, departure);
    if (this.#runs.size === 0) for (const resolve of this.#emptied.splice(0)) resolve();
  }
}

export type RunsListener = (run: ResidentRun, departure: Departure) => void;

const keyOf = (name: string, version: number): string => `${version}:${name}`;

/** When a run that left the memory should be taken up again; `null` if no time is known. The dispatcher looks then. */
export function wantedAt(departure: Departure, now: Instant): Instant | null {
  switch (departure.type) {
    case 'released':
      return departure.unread ? now : departure.wakeAt;
    case 'blocked':
      return now + departure.delay;
    case 'continued':
    case 'closed':
    case 'lost':
      return null;
  }
}
