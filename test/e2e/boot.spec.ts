import { afterEach, describe, expect, it } from '@jest/globals';
import { Injectable, Module, Scope } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import {
  Activity,
  Compensate,
  ContinuumModule,
  InvalidDefinitionError,
  InvalidOptionError,
  Workflow,
  WorkflowContext,
} from 'nestjs-continuum';
import type { ContinuumModuleExtras, ContinuumModuleOptions } from 'nestjs-continuum';
import { closeApps, compileApp, openApp } from './support/app.js';
import { caught } from './support/helpers.js';

afterEach(closeApps);

@Workflow({ name: 'order' })
class OrderWorkflow {
  async run(): Promise<void> {}
}

describe('an application does not begin', () => {
  it('with classes that cannot be: one error names each, the rule and the remedy', async () => {
    @Workflow({ name: 'order' })
    class OtherOrderWorkflow {
      async run(): Promise<void> {}
    }
    @Workflow()
    @Injectable({ scope: Scope.REQUEST })
    class PerRequestWorkflow {
      async run(): Promise<void> {}
    }
    @Injectable()
    class Stock {
      @Activity({ name: 'reserve' }) async reserve(): Promise<void> {}
      async take(): Promise<void> {}
      @Compensate('take') async putBack(): Promise<void> {}
    }
    @Injectable()
    class Store {
      @Activity({ name: 'reserve' }) async keep(): Promise<void> {}
      @Activity({ timeout: 0, retry: { maxAttempts: 0 } }) async hurry(): Promise<void> {}
    }
    @Injectable()
    class Mail {}
    @Workflow()
    class MailingWorkflow {
      constructor(private readonly mail: Mail) {}
      async run(): Promise<unknown> {
        return this.mail;
      }
    }
    const error = await caught(
      openApp({
        continuum: { journal: 'memory' },
        providers: [
          OrderWorkflow,
          OtherOrderWorkflow,
          PerRequestWorkflow,
          Stock,
          Store,
          Mail,
          MailingWorkflow,
        ],
      }),
    );
    expect(error).toBeInstanceOf(InvalidDefinitionError);
    const text = String(error);
    for (const problem of [
      /Two workflows are named "order" with version 1: OrderWorkflow and OtherOrderWorkflow\.\s+Give one of them another/,
      /PerRequestWorkflow is a request-scoped workflow.*Remove the scope/s,
      /Two activities are named "reserve": Stock\.reserve in \w+ and Store\.keep in \w+\.\s+Give one of them another name/,
      /Stock\.putBack compensates "take", which is not an activity of Stock\.\s+Mark take\(\) with @Activity\(\)/,
      /@Activity\(\) of Store\.hurry: "timeout" is a duration above zero, not 0/,
      /@Activity\(\) of Store\.hurry: "retry\.maxAttempts" is a whole number from 1, or Infinity, not 0/,
      /Parameter 1 of MailingWorkflow's constructor \(Mail\).*mark its methods @Activity\(\)/s,
    ]) {
      expect(text).toMatch(problem);
    }
    expect((error as InvalidDefinitionError).problems).toHaveLength(7);
    expect(text).toMatch(/^InvalidDefinitionError: 7 problems/);
  });

  type Bad = ContinuumModuleOptions & ContinuumModuleExtras;
  const url = 'postgres://localhost/nowhere';
  /** What no compiler lets through comes from a configuration that is read. */
  const untyped = (options: object): Bad => options;
  it.each<[string, Bad, RegExp]>([
    ['no connection', {}, /connection is missing\. Give TypeORM's Postgres options/],
    [
      'a URL that is not set',
      { connection: { url: undefined } },
      /connection\.url is undefined.*variable is not set/,
    ],
    ['a URL that is empty', { connection: { url: '' } }, /connection\.url is "".*variable is not set/],
    ['a connection of a wrong kind', untyped({ connection: 5432 }), /connection must be .* but is 5432/],
    ['a connection without a name', { connection: '' }, /connection must be .* but is ""/],
    [
      'another database',
      untyped({ connection: { type: 'mysql', url } }),
      /connection\.type must be 'postgres'.*"mysql"/,
    ],
    [
      'another journal',
      untyped({ connection: { url }, journal: 'redis' }),
      /journal must be one of 'postgres', 'memory', but is "redis"/,
    ],
    [
      'a schema',
      { connection: { url }, schema: 'My Schema' },
      /schema must have lower-case letters.*"My Schema"/,
    ],
    ['a long schema', { connection: { url }, schema: 's'.repeat(51) }, /schema must have .* at most 50/],
    [
      'migrations',
      untyped({ connection: { url }, migrations: true }),
      /migrations must be one of 'run', 'verify', 'none'/,
    ],
    [
      'poolSize',
      { connection: { url }, poolSize: 0 },
      /poolSize must be a whole number from 1 to 100, but is 0/,
    ],
    [
      'namespace',
      { journal: 'memory', namespace: '' },
      /namespace must be a text of 1 to 255 bytes, but is ""/,
    ],
    ['namespace', { journal: 'memory', namespace: 'a\0' }, /namespace must have neither/],
    [
      'maxPayloadBytes',
      { journal: 'memory', maxPayloadBytes: 1 },
      /maxPayloadBytes must be .* from 1024 .*, but is 1/,
    ],
    ['worker', untyped({ journal: 'memory', worker: true }), /worker must be an object of options, or false/],
    ['worker.runs', { journal: 'memory', worker: { runs: 0 } }, /worker\.runs must be a whole number from 1/],
    [
      'worker.activities',
      { journal: 'memory', worker: { activities: 1.5 } },
      /worker\.activities must be .* 1\.5/,
    ],
    [
      'worker.shutdownTimeout',
      untyped({ journal: 'memory', worker: { shutdownTimeout: '10' } }),
      /worker\.shutdownTimeout: "10" is not a duration.*unit/,
    ],
    [
      'worker.leaseTimeout',
      { journal: 'memory', worker: { leaseTimeout: 10 } },
      /worker\.leaseTimeout must be from 1000/,
    ],
    [
      'worker.heartbeatInterval',
      { journal: 'memory', worker: { leaseTimeout: '3s', heartbeatInterval: '2s' } },
      /worker\.heartbeatInterval must be at most a third of worker\.leaseTimeout \(3000 ms\)/,
    ],
    [
      'an unknown option',
      untyped({ journal: 'memory', worker: { run: 5 } }),
      /worker\.run is not an option\. There are: runs/,
    ],
    [
      'replayCheck',
      untyped({ journal: 'memory', replayCheck: 'no' }),
      /replayCheck must be true or false, but is "no"/,
    ],
    ['buildId', { journal: 'memory', buildId: '' }, /buildId must be a text/],
    ['observer', untyped({ journal: 'memory', observer: {} }), /observer must have a method notice/],
  ])('with an option out of range: %s', async (_, options, problem) => {
    const began = performance.now();
    const imports = [ContinuumModule.forRoot(options)];
    const error = await caught(Test.createTestingModule({ imports }).compile());
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(String(error)).toMatch(problem);
    expect((error as InvalidOptionError).problems).toHaveLength(1);
    expect(performance.now() - began).toBeLessThan(2_000);
  });

  it('with several of them: all are told at once', async () => {
    const error = await caught(
      compileApp({ continuum: { poolSize: -1, namespace: '', worker: { runs: 0 } } }),
    );
    expect((error as InvalidOptionError).problems).toHaveLength(4);
  });

  it('when no options are given, or a factory forgets to return them', async () => {
    // Neither compiles.
    const forgotten = { useFactory: () => undefined as unknown as ContinuumModuleOptions };
    const nothing = undefined as unknown as ContinuumModuleOptions;
    for (const instance of [
      () => ContinuumModule.forRootAsync(forgotten),
      () => ContinuumModule.forRoot(nothing),
    ]) {
      const error = await caught(
        (async () => Test.createTestingModule({ imports: [instance()] }).compile())(),
      );
      expect(error).toBeInstanceOf(InvalidOptionError);
      expect(String(error)).toMatch(/connection is missing/);
    }
  });

  it('when it includes a module that it does not have', async () => {
    @Module({ providers: [OrderWorkflow] })
    class OrdersModule {}
    const error = await caught(openApp({ continuum: { journal: 'memory', include: [OrdersModule] } }));
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(String(error)).toMatch(/include names OrdersModule, .* Import it/);
  });

  it('when somebody else than a workflow asks for its context', async () => {
    @Injectable()
    class Curious {
      constructor(readonly ctx: WorkflowContext) {}
    }
    const error = await caught(openApp({ continuum: { journal: 'memory' }, providers: [Curious] }));
    expect(String(error)).toMatch(/Curious injects WorkflowContext/);
  });
});
