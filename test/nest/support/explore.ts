import type { ModuleMetadata, Provider, Type } from '@nestjs/common';
import { Global, Module } from '@nestjs/common';
import type { TestingModule, TestingModuleBuilder } from '@nestjs/testing';
import { Test } from '@nestjs/testing';
import { WorkflowClient } from '../../../lib/client/workflow-client.js';
import type { ActivityDefinition, RunBinding, WorkflowDefinition } from '../../../lib/core/index.js';
import { WorkflowContext } from '../../../lib/core/index.js';
import { ActivityContext } from '../../../lib/engine/activities/activity-context.js';
import type { Registry } from '../../../lib/engine/registry.js';
import { ActivityRunner } from '../../../lib/nest/activity-runner.js';
import { ContinuumExplorer } from '../../../lib/nest/continuum.explorer.js';
import { InvalidDefinitionError } from '../../../lib/nest/errors/index.js';
import { RUN_INPUT } from '../../../lib/nest/continuum.tokens.js';
import { runInputProvider, workflowContextProvider } from '../../../lib/nest/workflow-context.provider.js';

const client: Provider = { provide: WorkflowClient, useValue: {} };

/** What the explorer needs of ContinuumModule, without an engine. */
@Global()
@Module({
  providers: [ContinuumExplorer, ActivityRunner, runInputProvider, workflowContextProvider, client],
  exports: [WorkflowContext, RUN_INPUT, WorkflowClient],
})
class ExplorerModule {}

export interface Explored {
  readonly app: TestingModule;
  readonly registry: Registry;
  readonly workflow: (name?: string) => WorkflowDefinition;
  /** Makes one attempt of an activity. */
  readonly attempt: (name: string, args?: readonly unknown[], context?: ActivityContext) => Promise<unknown>;
}

interface ExploreOptions extends ModuleMetadata {
  readonly include?: readonly Type[];
  readonly override?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
}

const apps: TestingModule[] = [];

/** Starts a small application and explores it. */
export async function explore({
  include,
  override,
  imports = [],
  ...metadata
}: ExploreOptions): Promise<Explored> {
  const builder = Test.createTestingModule({ ...metadata, imports: [ExplorerModule, ...imports] });
  const app = await (override?.(builder) ?? builder).compile();
  apps.push(app);
  app.useLogger(false);
  await app.init();
  const registry = app.get(ContinuumExplorer, { strict: false }).explore(include);
  return {
    app,
    registry,
    workflow: (name) => {
      const found = registry.workflows.find((workflow) => name === undefined || workflow.name === name);
      if (!found) throw new Error(`No workflow ${name ?? ''} was found.`);
      return found;
    },
    attempt: async (name, args = [], context = new TestAttempt(name)) => {
      const handler = registry.activities.get(name);
      if (!handler)
        throw new Error(`No activity ${name} among ${[...registry.activities.keys()].join(', ')}.`);
      return handler.execute(args, context);
    },
  };
}

/** For `afterEach`. */
export async function closeApps(): Promise<void> {
  await Promise.all(apps.splice(0).map((app) => app.close()));
}

/** What is wrong with an application, problem by problem. */
export async function problemsOf(options: ExploreOptions): Promise<readonly string[]> {
  try {
    await explore(options);
  } catch (error) {
    if (error instanceof InvalidDefinitionError) return error.problems;
    throw error;
  }
  throw new Error('The application was expected to be refused.');
}

export class TestAttempt extends ActivityContext {
  readonly attempt = 1;
  readonly runId = 'run-1';
  readonly idempotencyKey = 'run-1:0';
  readonly signal = new AbortController().signal;
  readonly lastHeartbeat = undefined;
  readonly logger = { log: ignore, warn: ignore, error: ignore, debug: ignore };

  constructor(
    readonly activity = 'Some.activity',
    readonly workflowId = 'order-1',
  ) {
    super();
  }
  heartbeat(): void {}
}
function ignore(): void {}

export interface Scheduled {
  readonly run: string;
  readonly activity: ActivityDefinition;
  readonly args: readonly unknown[];
}

/** A run that notes what it is asked for. */
export function recordingRun(run = 'run'): RunBinding & { readonly scheduled: Scheduled[] } {
  const scheduled: Scheduled[] = [];
  return {
    scheduled,
    // The explorer only passes it on.
    context: { run } as unknown as WorkflowContext,
    schedule: (activity, args) => {
      scheduled.push({ run, activity, args });
      return Promise.resolve(`${activity.name} of ${run}`);
    },
  };
}
