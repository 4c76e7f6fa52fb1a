import { expect } from '@jest/globals';
import { durableCodec, Fold, SEMANTICS_VERSION } from '../../lib/core/index.js';
import type {
  ActivityDefinition,
  ActivityGroup,
  ActivityToken,
  DeadlinePassed,
  FoldOptions,
  HistoryEntry,
  HistoryEvent,
  RunBinding,
  WorkflowContext,
  WorkflowDefinition,
  WorkflowInstance,
} from '../../lib/core/index.js';
import { DEFAULT_ACTIVITY_OPTIONS } from '../../lib/core/index.js';
import { asyncScope } from '../../lib/engine/process/async-scope.js';
import { WindowScheduler } from '../../lib/engine/process/window-scheduler.js';

/*
 * Drives a workflow by explicit events, without engine and journal: the history of a run is what a spec writes down.
 */

export const codec = durableCodec;
export const scheduler = new WindowScheduler();

/** What a workflow under test gets: its context, and activities by any name. */
export interface Steps {
  readonly ctx: WorkflowContext;
  /** Runs the activity of that name. `pay`, `book` and `reserve` have compensations: `unpay`, `unbook`, `unreserve`. */
  readonly act: (name: string, ...args: unknown[]) => Promise<unknown>;
}

type Run = (this: Record<string, unknown>, steps: Steps, input: never) => unknown;
type Handler = (this: Record<string, unknown>, payload: never, steps: Steps) => unknown;

export interface WorkflowSketch {
  readonly name?: string;
  readonly aliases?: readonly string[];
  /** The aliases of activities, by their names. */
  readonly activityAliases?: Readonly<Record<string, readonly string[]>>;
  readonly version?: number;
  readonly compensation?: 'automatic' | 'manual';
  readonly rollbackOrder?: 'reverse' | 'parallel';
  readonly signals?: Readonly<Record<string, Handler>>;
  readonly updates?: Readonly<Record<string, Handler>>;
  /** By the names of updates. */
  readonly validators?: Readonly<Record<string, Handler>>;
  readonly queries?: Readonly<Record<string, Handler>>;
  readonly construct?: (steps: Steps) => void;
}

const COMPENSATED: Readonly<Record<string, string>> = { pay: 'unpay', book: 'unbook', reserve: 'unreserve' };

export function activity(name: string): ActivityDefinition {
  const compensation = COMPENSATED[name];
  return {
    name,
    method: name,
    options: DEFAULT_ACTIVITY_OPTIONS,
    compensation: compensation === undefined ? null : activity(compensation),
  };
}

/** Classes by which activities are asked for in specs. */
export class Ship {
  execute(_order: unknown): Promise<unknown> {
    return Promise.reject(new Error('A class stands for its activity; nothing is executed here.'));
  }
}
export class Payments {
  pay(_amount: number): Promise<unknown> {
    return Promise.reject(new Error('A class stands for its activities; nothing is executed here.'));
  }
}
export class Unknown extends Ship {}
/** What Ship is called today. */
export class Deliver extends Ship {}

const GROUPS: ReadonlyMap<ActivityToken, ActivityGroup> = new Map<ActivityToken, ActivityGroup>([
  [Ship, { name: 'Ship', activities: new Map([['execute', activity('Ship')]]) }],
  [
    Deliver,
    { name: 'Deliver', activities: new Map([['execute', { ...activity('Deliver'), aliases: ['Ship'] }]]) },
  ],
  [Payments, { name: 'Payments', activities: new Map([['pay', activity('pay')]]) }],
]);

/** The definition of a workflow from a function. `this` is the object of the run. */
export function workflow(run: Run, sketch: WorkflowSketch = {}): WorkflowDefinition {
  const validators = Object.entries(sketch.validators ?? {}).map(
    ([name, validator]) => [`validate ${name}`, validator] as const,
  );
  const handlers = {
    ...sketch.signals,
    ...sketch.updates,
    ...Object.fromEntries(validators),
    ...sketch.queries,
  };
  return {
    name: sketch.name ?? 'test',
    aliases: sketch.aliases ?? [],
    version: sketch.version ?? 1,
    compensation: sketch.compensation ?? 'automatic',
    rollbackOrder: sketch.rollbackOrder,
    signals: new Set(Object.keys(sketch.signals ?? {})),
    updates: new Map(
      Object.keys(sketch.updates ?? {}).map((name) => [
        name,
        { validator: sketch.validators?.[name] ? `validate ${name}` : null },
      ]),
    ),
    queries: new Set(Object.keys(sketch.queries ?? {})),
    activitiesOf: (type) => GROUPS.get(type),
    construct: (binding) => construct(run, handlers, sketch, binding),
  };
}

function construct(
  run: Run,
  handlers: Readonly<Record<string, Handler>>,
  { construct: constructor, activityAliases = {} }: WorkflowSketch,
  binding: RunBinding,
): WorkflowInstance {
  const steps: Steps = {
    ctx: binding.context,
    act: (name, ...args) =>
      binding.schedule({ ...activity(name), aliases: activityAliases[name] ?? [] }, args),
  };
  constructor?.(steps);
  const prototype: Record<string, unknown> = {
    run(this: Record<string, unknown>, _context: WorkflowContext, input: never) {
      return run.call(this, steps, input);
    },
  };
  for (const [name, handler] of Object.entries(handlers)) {
    prototype[name] = function (this: Record<string, unknown>, payload: never) {
      return handler.call(this, payload, steps);
    };
  }
  // The prototype has `run`, as every workflow does.
  return Object.create(prototype) as WorkflowInstance;
}

// ----------------------------------------------------------------------------------------------- events

export const started = (input?: unknown, at = 1): HistoryEvent => ({
  type: 'run_started',
  at,
  input: codec.encode(input),
  seed: 'seed of the run',
  semanticsVersion: SEMANTICS_VERSION,
});
export const completed = (id: number, result: unknown = null, at = 1): HistoryEvent => ({
  type: 'activity_completed',
  at,
  id,
  result: codec.encode(result),
});
export const failed = (
  id: number,
  error: unknown = new Error('boom'),
  attempts = 1,
  at = 1,
): HistoryEvent => ({
  type: 'activity_failed',
  at,
  id,
  failure: codec.encodeFailure(error),
  attempts,
});
export const stopped = (id: number, at = 1): HistoryEvent => ({ type: 'activity_cancelled', at, id });
export const fired = (id: number, at = 1): HistoryEvent => ({ type: 'timer_fired', at, id });
export const signal = (name: string, payload?: unknown, hold = false, at = 1): HistoryEvent => ({
  type: 'signal_received',
  at,
  name,
  payload: codec.encode(payload),
  arrivedAt: at,
  hold,
});
export const update = (
  name: string,
  updateId: string,
  payload?: unknown,
  hold = false,
  at = 1,
): HistoryEvent => ({
  type: 'update_accepted',
  at,
  name,
  updateId,
  payload: codec.encode(payload),
  arrivedAt: at,
  hold,
});
export const accepted = (name: string, number: number, payload?: unknown, at = 1): HistoryEvent => ({
  type: 'signal_accepted',
  at,
  name,
  signal: number,
  payload: codec.encode(payload),
});
/** `number` of its `signal_received`; `null`: refused by its handler's schema. */
export const refused = (name: string, number: number | null, at = 1, hold = false): HistoryEvent => ({
  type: 'signal_refused',
  at,
  name,
  signal: number,
  issues: codec.encode('does not fit'),
  arrivedAt: number === null ? at : null,
  hold,
});
export const cancel = (reason: string | null = 'asked', at = 1): HistoryEvent => ({
  type: 'cancel_requested',
  at,
  reason,
});

export const passed = (whose: 'run' | 'chain' = 'run', at = 9): DeadlinePassed => ({
  type: 'deadline_passed',
  at,
  deadlineAt: at - 1,
  whose,
});

// ---------------------------------------------------------------------------------------------- driving

export const identity = {
  workflowId: 'order-1',
  runId: '0196f3a0-0000-7000-8000-000000000001',
  namespace: 'default',
};

export function newFold(definition: WorkflowDefinition, options: Partial<FoldOptions> = {}): Fold {
  return new Fold({ definition, codec, run: identity, asyncScope, strict: true, ...options });
}

/** A run that was driven so far, and everything it wrote. */
export interface Driven {
  readonly fold: Fold;
  readonly history: HistoryEntry[];
}

/** Feeds events one by one, each until the run is quiet. Ends at a fault and at the end of the run. */
export async function drive(
  definition: WorkflowDefinition,
  events: readonly HistoryEvent[],
  options: Partial<FoldOptions> = {},
): Promise<Driven> {
  const driven: Driven = { fold: newFold(definition, options), history: [] };
  for (const event of events) await feed(driven, event);
  return driven;
}

export async function feed(driven: Driven, event: HistoryEvent): Promise<boolean> {
  const taken = driven.fold.feed(event);
  await scheduler.pump(driven.fold);
  driven.history.push(...driven.fold.takeEmitted());
  return taken;
}

/** Folds a recorded history again. */
export async function refold(
  definition: WorkflowDefinition,
  history: readonly HistoryEntry[],
  options: Partial<FoldOptions> = {},
): Promise<Fold> {
  const fold = newFold(definition, options);
  fold.replay(history);
  await scheduler.pump(fold);
  return fold;
}

/** Replays what was driven, strictly, and insists on the same end (F30). */
export async function expectSameAgain(definition: WorkflowDefinition, driven: Driven): Promise<void> {
  const again = await refold(definition, driven.history);
  if (again.fault) throw again.fault;
  expect(again.takeEmitted()).toEqual([]);
  expect(again.snapshot()).toEqual(driven.fold.snapshot());
}

/** A history in one line: `run_started activity_scheduled0:charge run_completed`. */
export function line(history: readonly HistoryEntry[]): string {
  return history
    .map((entry) => {
      const number = 'id' in entry ? entry.id : 'of' in entry ? entry.of : '';
      return `${entry.type}${number}${entry.type === 'activity_scheduled' ? `:${entry.name}` : ''}`;
    })
    .join(' ');
}

/** The recorded result of a completed run, decoded. */
export function resultOf(driven: Driven): unknown {
  if (driven.fold.fault) throw driven.fold.fault;
  const end = driven.history.at(-1);
  if (end?.type !== 'run_completed') throw new Error(`The run has no result: ${line(driven.history)}`);
  return codec.decode(end.result);
}

/** What a failed or cancelled run ended with. */
export function failureOf(driven: Driven): Error {
  if (driven.fold.fault) throw driven.fold.fault;
  const end = driven.history.at(-1);
  if (end?.type !== 'run_failed' && end?.type !== 'run_cancelled') {
    throw new Error(`The run has not failed: ${line(driven.history)}`);
  }
  return codec.decodeFailure(end.failure) as Error;
}
