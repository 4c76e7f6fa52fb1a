import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import type { DynamicModule, Provider } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { ContinuumRuntime } from '../runtime/index.js';
import { durableCodec, WorkflowContext } from '../core/index.js';
import type { Journal } from '../journal/index.js';
import { Observers } from '../observability/index.js';
import type { Observer } from '../observability/index.js';
import { ActivityRunner } from './activity-runner.js';
import { ContinuumExplorer } from './continuum.explorer.js';
import { ContinuumStartModule } from './continuum-start.module.js';
import { ContinuumLifecycle } from './continuum.lifecycle.js';
import { LoggingObserver } from './continuum.observer.js';
import { resolveContinuumOptions } from './continuum.options.js';
import type {
  ContinuumModuleAsyncOptions,
  ContinuumModuleExtras,
  ContinuumModuleOptions,
  ResolvedContinuumOptions,
} from './continuum.options.js';
import {
  CONTINUUM_EXTRAS,
  CONTINUUM_JOURNAL,
  CONTINUUM_OBSERVER,
  CONTINUUM_OPTIONS,
  RUN_INPUT,
} from './continuum.tokens.js';
import { openJournal } from './journal.factory.js';
import { getWorkflowClientToken } from './workflow-client.token.js';
import { runInputProvider, workflowContextProvider } from './workflow-context.provider.js';

const builder = new ConfigurableModuleBuilder<ContinuumModuleOptions>({ moduleName: 'Continuum' })
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createContinuumOptions')
  .setExtras<ContinuumModuleExtras>({}, (definition, { name, include, isGlobal }) => {
    const token = getWorkflowClientToken(name);
    const client: Provider = {
      provide: token,
      useFactory: (runtime: ContinuumRuntime) => runtime.client,
      inject: [ContinuumRuntime],
    };
    return {
      ...definition,
      global: isGlobal ?? true,
      providers: [
        ...(definition.providers ?? []),
        { provide: CONTINUUM_EXTRAS, useValue: { name, include } },
        client,
      ],
      // A second instance shares nothing but its own client, or the two would shadow each other.
      exports: [token, WorkflowContext, RUN_INPUT],
    };
  })
  .build();

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = builder;

/**
 * Durable workflows for a Nest application.
 *
 * ```ts
 * @Module({
 *   imports: [ContinuumModule.forRoot({ connection: { url: process.env['DATABASE_URL'] } })],
 *   providers: [OrderWorkflow, StockActivities, PaymentActivities],
 * })
 * export class AppModule {}
 * ```
 */
@Module({
  imports: [ContinuumStartModule],
  providers: [
    ContinuumExplorer,
    ActivityRunner,
    ContinuumLifecycle,
    workflowContextProvider,
    runInputProvider,
    {
      provide: CONTINUUM_OPTIONS,
      useFactory: (options: ContinuumModuleOptions): ResolvedContinuumOptions =>
        resolveContinuumOptions(options),
      inject: [MODULE_OPTIONS_TOKEN],
    },
    {
      // Connected and migrated before any onModuleInit: a hook of the application may start workflows.
      provide: CONTINUUM_JOURNAL,
      useFactory: openJournal,
      inject: [CONTINUUM_OPTIONS, ModuleRef],
    },
    {
      provide: CONTINUUM_OBSERVER,
      useFactory: ({ observer }: ResolvedContinuumOptions): Observer =>
        new Observers([new LoggingObserver(), ...(observer ? [observer] : [])]),
      inject: [CONTINUUM_OPTIONS],
    },
    {
      provide: ContinuumRuntime,
      useFactory: (
        options: ResolvedContinuumOptions,
        journal: Journal,
        observer: Observer,
        explorer: ContinuumExplorer,
        extras: ContinuumModuleExtras,
      ): ContinuumRuntime =>
        new ContinuumRuntime({
          journal,
          observer,
          codec: durableCodec,
          namespace: options.namespace,
          maxPayloadBytes: options.maxPayloadBytes,
          actor: options.actor,
          worker: options.worker,
          schema: options.journal.type === 'memory' ? null : options.journal.schema,
          journalIsPrivate: options.journal.type === 'memory',
          preview: () => explorer.explore(extras.include),
        }),
      inject: [CONTINUUM_OPTIONS, CONTINUUM_JOURNAL, CONTINUUM_OBSERVER, ContinuumExplorer, CONTINUUM_EXTRAS],
    },
  ],
})
export class ContinuumModule extends ConfigurableModuleClass {
  /** Sets up Continuum with options known now. */
  static override forRoot(options: ContinuumModuleOptions & ContinuumModuleExtras): DynamicModule {
    // Without a compiler to insist, nothing may be given: then what is missing is told at the boot.
    return super.forRoot(options ?? {});
  }

  /** Sets up Continuum with options that a factory or a class provides (`createContinuumOptions`). */
  static override forRootAsync(options: ContinuumModuleAsyncOptions): DynamicModule {
    return super.forRootAsync(options);
  }
}
