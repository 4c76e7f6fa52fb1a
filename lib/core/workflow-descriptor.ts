import type { Duration } from './duration.js';
import { milliseconds } from './duration.js';
import type { Mistakes } from './misuse.js';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { WorkflowDefinition } from './definitions.js';
import type { RollbackOrder, RunLimits } from './history.js';
import type { Class } from './method-marks.js';
import { MethodMarks } from './method-marks.js';

/** What `@Workflow()` was given. */
export interface WorkflowOptions<S extends StandardSchemaV1 = StandardSchemaV1> {
  /**
   * What runs are started, listed and found by. Give one when the code is minified, or before a class is renamed:
   * runs in flight know their workflow by this name. Defaults to the name of the class.
   */
  readonly name?: string | undefined;
  /**
   * Names that the workflow had before. Open runs that were started under one of them are taken up by this class, and `start`
   * by one of them starts this workflow, under its own name. No other workflow may have them. Defaults to none.
   *
   * ```ts
   * @Workflow({ name: 'purchase', aliases: ['order'] })
   * ```
   */
  readonly aliases?: readonly string[] | undefined;
  /**
   * A whole number from 1. Several versions of a workflow are several classes with one name; running ones keep
   * theirs. Defaults to 1.
   */
  readonly version?: number | undefined;
  /**
   * A Standard Schema (zod, valibot, arktype …), applied once to the input at `start`. What it yields is recorded.
   * Defaults to no validation.
   */
  readonly input?: S | undefined;
  /**
   * Whether a failed or cancelled run undoes its completed activities by itself, or only where the code says
   * `ctx.compensate()`; and whether one at a time or all side by side. Defaults to `'automatic'`, in reverse order.
   */
  readonly compensation?: CompensationMode | CompensationOptions | undefined;
  /**
   * What becomes of a run that does not catch an error which JavaScript itself throws (`TypeError`, `ReferenceError`,
   * `RangeError`, `SyntaxError`): `'fail'` fails it and rolls back, `'block'` keeps it until a deploy mends the code.
   * Defaults to the option of the module.
   */
  readonly mistakes?: Mistakes | undefined;
  /**
   * How long all the runs of one start may take together. Then what runs is cancelled, rolls back and ends `timed_out`. A start
   * may say otherwise. Defaults to no limit.
   */
  readonly executionTimeout?: Duration | undefined;
  /** The same for one run: what it continues as has its own. Defaults to no limit. */
  readonly runTimeout?: Duration | undefined;
}

/** Whether a failed or cancelled run rolls back by itself. */
export type CompensationMode = 'automatic' | 'manual';

export interface CompensationOptions {
  /** Defaults to `'automatic'`. */
  readonly mode?: CompensationMode | undefined;
  /**
   * `'reverse'`: one at a time, the last completed first. `'parallel'`: all side by side, for steps that do not depend on
   * each other. The order that a rollback begins with is recorded, and it keeps it. Defaults to `'reverse'`.
   */
  readonly order?: RollbackOrder | undefined;
}

/** What the option says, in either form. */
export function compensationOf(
  option: WorkflowOptions['compensation'],
): Pick<WorkflowDefinition, 'compensation' | 'rollbackOrder'> {
  const { mode, order } = typeof option === 'object' ? option : { mode: option };
  return { compensation: mode ?? 'automatic', rollbackOrder: order ?? 'reverse' };
}

/** What a class says of itself, readable without an application: enough to start, signal, update and query its runs. */
export interface WorkflowDescriptor {
  readonly name: string;
  /** Names that the workflow had before. */
  readonly aliases: readonly string[];
  readonly version: number;
  readonly compensation: CompensationMode;
  readonly rollbackOrder?: RollbackOrder | undefined;
  readonly input: StandardSchemaV1 | undefined;
  readonly limits: RunLimits;
  /** The signals that the class handles, each with the schema of its payload. */
  readonly signals: ReadonlyMap<string, StandardSchemaV1 | undefined>;
  /** The updates that the class handles, each with the schema of its payload. */
  readonly updates: ReadonlyMap<string, StandardSchemaV1 | undefined>;
  /** The queries that the class answers. */
  readonly queries: ReadonlySet<string>;
}

export type HandlerMark =
  | { readonly kind: 'signal'; readonly options: { readonly input?: StandardSchemaV1 | undefined } }
  | { readonly kind: 'update'; readonly options: { readonly input?: StandardSchemaV1 | undefined } }
  /** It looks at the update of that name before it is accepted. */
  | { readonly kind: 'validator'; readonly update: string }
  | { readonly kind: 'query' };

const WORKFLOW = Symbol.for('nestjs-continuum:workflow');
const descriptors = new WeakMap<Class, WorkflowDescriptor>();

/** What `@OnSignal()`, `@OnUpdate()`, `@ValidateUpdate()` and `@OnQuery()` leave. */
export const handlerMarks = new MethodMarks<HandlerMark>('nestjs-continuum:handlers');

/** What `@Workflow()` leaves. A subclass is no workflow of its own before it is decorated as well. */
export function markWorkflow(type: Class, options: WorkflowOptions): void {
  Object.defineProperty(type, WORKFLOW, { value: options, configurable: true });
}

/** The options `@Workflow()` was given on this very class; `undefined` when it is no workflow. */
export function workflowOptionsOf(type: Class): WorkflowOptions | undefined {
  // The key is ours: whatever stands there was put by `markWorkflow`.
  return Object.getOwnPropertyDescriptor(type, WORKFLOW)?.value as WorkflowOptions | undefined;
}

/** Describes a workflow by its class alone; `undefined` when the class is not decorated with `@Workflow()`. */
export function describeWorkflow(type: Class): WorkflowDescriptor | undefined {
  const options = workflowOptionsOf(type);
  if (!options) return undefined;
  let descriptor = descriptors.get(type);
  if (!descriptor) {
    descriptor = {
      name: options.name ?? type.name,
      aliases: options.aliases ?? [],
      version: options.version ?? 1,
      ...compensationOf(options.compensation),
      input: options.input,
      limits: limitsOf(options),
      ...handlersOf(type),
    };
    descriptors.set(type, descriptor);
  }
  return descriptor;
}

/** Throws a `RangeError` for what is no duration. */
export const limitsOf = ({ runTimeout, executionTimeout }: WorkflowOptions): RunLimits => ({
  run: runTimeout === undefined ? null : milliseconds(runTimeout),
  chain: executionTimeout === undefined ? null : milliseconds(executionTimeout),
});

/** The handlers of a class and of those it extends, by name. */
export function handlersOf(type: Class): Pick<WorkflowDescriptor, 'signals' | 'updates' | 'queries'> {
  const signals = new Map<string, StandardSchemaV1 | undefined>();
  const updates = new Map<string, StandardSchemaV1 | undefined>();
  const queries = new Set<string>();
  for (const [method, marks] of handlerMarks.of(type)) {
    if (typeof method === 'symbol') continue;
    for (const mark of marks) {
      if (mark.kind === 'signal') signals.set(method, mark.options.input);
      else if (mark.kind === 'update') updates.set(method, mark.options.input);
      else if (mark.kind === 'query') queries.add(method);
    }
  }
  return { signals, updates, queries };
}

/** Whether a value is a Standard Schema. A schema may be a function (arktype's is). */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  return value !== null && value !== undefined && '~standard' in new Object(value);
}
