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
  /** By name, compensations included. */
  readonly activities: ReadonlyMap<string, ActivityHandler>;
}
