import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ContinuumRuntime } from '../../lib/runtime/runtime.js';
import { durableCodec, resolveActivityOptions } from '../../lib/core/index.js';
import type {
  ActivityDefinition,
  ActivityOptions,
  RunBinding,
  UpdateHandler,
  WorkflowContext,
  WorkflowDefinition,
  WorkflowInstance,
} from '../../lib/core/index.js';
import { handlersByName } from '../../lib/engine/index.js';
import type { ActivityContext, ActivityHandler, EngineSettings } from '../../lib/engine/index.js';
import { InMemoryJournal } from '../../lib/journal/in-memory/index.js';
import type { Journal } from '../../lib/journal/index.js';
import type { EngineEvent, Observer } from '../../lib/observability/index.js';

/** Remembers what an engine did, and lets a test wait for it. */
export class Recorder implements Observer {
  readonly events: EngineEvent[] = [];
  readonly #waiting: { matches: (event: EngineEvent) => boolean; resolve: (event: EngineEvent) => void }[] =
    [];

  notice(event: EngineEvent): void {
    this.events.push(event);
    for (const waiting of this.#waiting.filter(({ matches }) => matches(event))) {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      waiting.resolve(event);
    }
  }

  /** Of this type, now or later. */
  until<T extends EngineEvent['type']>(
    type: T,
    matches: (event: Extract<EngineEvent, { type: T }>) => boolean = () => true,
  ): Promise<Extract<EngineEvent, { type: T }>> {
    type Wanted = Extract<EngineEvent, { type: T }>;
    const wanted = (event: EngineEvent): event is Wanted => event.type === type && matches(event as Wanted);
    const seen = this.events.find(wanted);
    if (seen) return Promise.resolve(seen);
    return new Promise((resolve) => {
      this.#waiting.push({ matches: wanted, resolve: (event) => resolve(event as Wanted) });
    });
  }

  count(type: EngineEvent['type']): number {
    return this.events.filter((event) => event.type === type).length;
  }
}

export type ActivityBody = (context: ActivityContext, ...args: never[]) => unknown;

/** An activity as a plain function of its context and its arguments. */
export function activity(
  name: string,
  body: ActivityBody,
  options: ActivityOptions & { readonly compensation?: ActivityHandler } = {},
): ActivityHandler {
  const { compensation, aliases = [], ...declared } = options;
  return {
    definition: {
      name,
      aliases,
      method: 'execute',
      options: resolveActivityOptions(declared),
      compensation: compensation?.definition ?? null,
    },
    execute: (args, context) => body(context, ...(args as never[])),
  };
}

/** What a scripted workflow works with. */
export interface Script {
  readonly ctx: WorkflowContext;
  /** Schedules an activity of the stage. */
  readonly act: (name: string, ...args: readonly unknown[]) => Promise<unknown>;
}
export interface ScriptedWorkflow {
  readonly name?: string;
  readonly aliases?: readonly string[];
  readonly version?: number;
  readonly signals?: readonly string[];
  readonly signalInputs?: Readonly<Record<string, StandardSchemaV1>>;
  /** By name: the method that validates, and the schema. */
  readonly updates?: Readonly<Record<string, Partial<UpdateHandler>>>;
  readonly queries?: readonly string[];
  /** The schema of its input. */
  readonly input?: StandardSchemaV1;
  readonly compensation?: 'automatic' | 'manual';
  /** The object of one run: handlers by name, and `run`. */
  make(script: Script): { run(input: unknown): Promise<unknown> } & Readonly<Record<string, unknown>>;
}

export interface StageOptions {
  readonly journal?: Journal;
  readonly activities?: readonly ActivityHandler[];
  readonly workflows: readonly ScriptedWorkflow[];
  readonly settings?: Partial<EngineSettings>;
  readonly worker?: false;
}

/** One process: a runtime over a journal, with scripted workflows and activities. */
export class Stage {
  readonly recorder = new Recorder();
  readonly runtime: ContinuumRuntime;
  readonly journal: Journal;

  private constructor(options: StageOptions) {
    this.journal = options.journal ?? new InMemoryJournal();
    const activities = handlersByName(options.activities ?? []);
    for (const { definition } of activities.values()) {
      if (definition.compensation && !activities.has(definition.compensation.name)) {
        throw new Error(`List ${definition.compensation.name} among the activities of the stage.`);
      }
    }
    this.runtime = new ContinuumRuntime({
      journal: this.journal,
      codec: durableCodec,
      observer: this.recorder,
      namespace: 'default',
      maxPayloadBytes: 1_000_000,
      worker: options.worker === false ? null : { ...SETTINGS, ...options.settings },
      journalIsPrivate: options.journal === undefined,
    });
    const definitions = options.workflows.map((workflow) =>
      defined(workflow, (name) => activities.get(name)?.definition),
    );
    this.runtime.register({ workflows: definitions, activities });
  }

  static async open(options: StageOptions): Promise<Stage> {
    const stage = await Stage.prepare(options);
    await stage.runtime.startWorker();
    return stage;
  }

  /** Its worker has not begun. */
  static async prepare(options: StageOptions): Promise<Stage> {
    const stage = new Stage(options);
    await stage.journal.open();
    return stage;
  }

  get client(): ContinuumRuntime['client'] {
    return this.runtime.client;
  }

  async close(): Promise<void> {
    await this.runtime.close();
    await this.journal.close();
  }

  /** The process is gone without a goodbye: what it held stays leased to a session that nobody prolongs. */
  async crash(): Promise<void> {
    await this.runtime.stopClaiming();
    await this.runtime.engine?.abandon();
  }
}

export const SETTINGS: EngineSettings = {
  runs: 200,
  activities: 100,
  shutdownTimeout: 5_000,
  workerName: 'test',
  buildId: 'build-1',
  leaseTimeout: 10_000,
  heartbeatInterval: 200,
  parkAfter: 2_000,
  writers: 2,
  replayCheck: true,
  residency: 'sticky',
  watchdog: null,
};

function defined(
  workflow: ScriptedWorkflow,
  activityNamed: (name: string) => ActivityDefinition | undefined,
): WorkflowDefinition {
  return {
    name: workflow.name ?? 'scripted',
    aliases: workflow.aliases ?? [],
    version: workflow.version ?? 1,
    compensation: workflow.compensation ?? 'automatic',
    input: workflow.input,
    signals: new Set(workflow.signals),
    signalInputs: new Map(Object.entries(workflow.signalInputs ?? {})),
    updates: new Map(
      Object.entries(workflow.updates ?? {}).map(([name, handler]) => [
        name,
        { validator: null, ...handler },
      ]),
    ),
    queries: new Set(workflow.queries),
    construct(binding: RunBinding): WorkflowInstance {
      const made = workflow.make({
        ctx: binding.context,
        act: (name, ...args) => {
          const definition = activityNamed(name);
          if (!definition) throw new Error(`The stage has no activity ${name}.`);
          return binding.schedule(definition, args);
        },
      });
      return { ...made, run: (_: WorkflowContext, input: unknown) => made.run(input) };
    },
    activitiesOf: () => undefined,
  };
}
