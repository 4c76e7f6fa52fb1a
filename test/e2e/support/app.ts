import type { ModuleMetadata } from '@nestjs/common';
import type { TestingModule, TestingModuleBuilder } from '@nestjs/testing';
import { Test } from '@nestjs/testing';
import { ContinuumModule, getWorkflowClientToken } from 'nestjs-continuum';
import type { ContinuumModuleExtras, ContinuumModuleOptions, WorkflowClient } from 'nestjs-continuum';
import { resolveContinuumOptions } from '../../../lib/nest/continuum.options.js';
import { CONTINUUM_OPTIONS } from '../../../lib/nest/continuum.tokens.js';
import { Recorder } from '../../support/stage.js';

export type Residency = 'sticky' | 'always replay';

export interface AppOptions extends ModuleMetadata {
  readonly continuum: ContinuumModuleOptions & ContinuumModuleExtras;
  /** By `forRootAsync`. Defaults to `forRoot`. */
  readonly byFactory?: boolean;
  /** Defaults to what users get. */
  readonly residency?: Residency | undefined;
  readonly override?: (builder: TestingModuleBuilder) => TestingModuleBuilder;
}

/** A Nest application with Continuum in it. */
export interface App {
  readonly app: TestingModule;
  readonly client: WorkflowClient;
  /** What its engine did. */
  readonly events: Recorder;
}

const opened: TestingModule[] = [];

/** For `afterEach`. */
export async function closeApps(): Promise<void> {
  await Promise.all(opened.splice(0).map((app) => app.close()));
}

/** An application whose hooks have not run yet. */
export async function compileApp(options: AppOptions): Promise<App> {
  const { continuum, byFactory, residency = 'sticky', override, imports = [], ...metadata } = options;
  const events = new Recorder();
  const { name, include, isGlobal, ...rest } = { observer: events, ...continuum };
  const extras = { name, include, isGlobal };
  const instance = byFactory
    ? ContinuumModule.forRootAsync({ ...extras, useFactory: () => rest })
    : ContinuumModule.forRoot({ ...extras, ...rest });
  const builder = withResidency(
    Test.createTestingModule({ ...metadata, imports: [instance, ...imports] }),
    residency,
  );
  const app = await (override?.(builder) ?? builder).compile();
  opened.push(app);
  app.useLogger(false);
  const client = app.get<WorkflowClient>(getWorkflowClientToken(continuum.name), { strict: false });
  return { app, client, events };
}

/** An application at work; {@link closeApps} ends it. */
export async function openApp(options: AppOptions): Promise<App> {
  const compiled = await compileApp(options);
  await compiled.app.init();
  return compiled;
}

/** Users have no such option: the suites run under both (F30). */
export function withResidency(builder: TestingModuleBuilder, residency: Residency): TestingModuleBuilder {
  return builder.overrideProvider(CONTINUUM_OPTIONS).useFactory({
    factory: (options: ContinuumModuleOptions) => {
      const resolved = resolveContinuumOptions(options);
      return { ...resolved, worker: resolved.worker && { ...resolved.worker, residency } };
    },
    inject: ['CONTINUUM_MODULE_OPTIONS'],
  });
}
