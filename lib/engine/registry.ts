import { namesOf } from '../core/index.js';
import type { ActivityDefinition, WorkflowDefinition } from '../core/index.js';
import type { ActivityContext } from './activities/activity-context.js';

/** An activity that this process can do. */
export interface ActivityHandler {
  readonly definition: ActivityDefinition;
  /** Makes one attempt: its result, or a promise of it. */
  execute(args: readonly unknown[], context: ActivityContext): unknown;
}

/** What this process can do: found by the explorer, or written by hand in a test. */
export interface Registry {
  readonly workflows: readonly WorkflowDefinition[];
  /** By each of its names, compensations included. */
  readonly activities: ReadonlyMap<string, ActivityHandler>;
}

/** Under one of its names, as a run is stored. */
export interface NamedVersion {
  readonly name: string;
  readonly version: number;
}

/** What a worker with these workflows takes runs of: each of them under every name that it has or had. */
export const servedNames = (workflows: readonly WorkflowDefinition[]): readonly NamedVersion[] =>
  workflows.flatMap((workflow) => namesOf(workflow).map((name) => ({ name, version: workflow.version })));

/** Each under its own name and its aliases. */
export const handlersByName = (handlers: readonly ActivityHandler[]): ReadonlyMap<string, ActivityHandler> =>
  new Map(handlers.flatMap((handler) => namesOf(handler.definition).map((name) => [name, handler] as const)));
