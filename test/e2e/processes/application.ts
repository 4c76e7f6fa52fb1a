import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import type { INestApplicationContext, OnApplicationShutdown, OnModuleDestroy, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Activity, ContinuumModule, Workflow, WorkflowClient, WorkflowContext } from '../../../lib/index.js';
import type { ContinuumModuleOptions } from '../../../lib/index.js';

/*
 * A process of its own, which must end by itself once its application is closed: node application.ts <what> <options>.
 */
const [what = '', given = '{}'] = process.argv.slice(2);
const options = JSON.parse(given) as ContinuumModuleOptions;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

@Injectable()
class Greeter implements OnModuleDestroy, OnApplicationShutdown {
  #asked = (): void => {};
  readonly asked = new Promise<void>((resolve) => (this.#asked = resolve));
  #freed = (): void => {};
  readonly #destroyed = new Promise<void>((resolve) => (this.#freed = resolve));

  @Activity() async greet(name: string): Promise<string> {
    return `Hello ${name}`;
  }
  @Activity() async greetAtLast(name: string): Promise<string> {
    this.#asked();
    await this.#destroyed;
    say(`greeted ${name} while shutting down`);
    return `Hello ${name}`;
  }
  onModuleDestroy(): void {
    this.#freed();
  }
  onApplicationShutdown(signal?: string): void {
    say(`shut down by ${signal ?? 'close()'}`);
  }
}
@Workflow()
class GreetingWorkflow {
  constructor(private readonly greeter: Greeter) {}
  async run(ctx: WorkflowContext, name: string): Promise<string> {
    await ctx.sleep(1);
    return name === 'the last' ? this.greeter.greetAtLast(name) : this.greeter.greet(name);
  }
}
@Workflow({ name: 'GreetingWorkflow' })
class ImpostorWorkflow {
  async run(): Promise<void> {}
}

const open = (settings: ContinuumModuleOptions, ...more: Type[]): Promise<INestApplicationContext> => {
  @Module({
    imports: [ContinuumModule.forRoot(settings)],
    providers: [Greeter, GreetingWorkflow, ...more],
  })
  class AppModule {}
  return NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
};

async function closeWorker(): Promise<void> {
  const app = await open(options);
  say(await app.get(WorkflowClient).execute(GreetingWorkflow, 'Ann'));
  // It waits for long, and nothing of it may hold the process.
  const startAt = new Date(Date.now() + 3_600_000);
  await app.get(WorkflowClient).start(GreetingWorkflow, 'Bob', { startAt });
  await app.close();
}

async function closeClient(): Promise<void> {
  const app = await open({ ...options, worker: false });
  const handle = await app.get(WorkflowClient).start(GreetingWorkflow, 'Ann');
  const result = handle.result().catch((error: Error) => say(error.name));
  await app.close();
  await result;
}

async function closeUninitialised(): Promise<void> {
  @Module({ imports: [ContinuumModule.forRoot(options)], providers: [GreetingWorkflow, Greeter] })
  class AppModule {}
  const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
  await app.get(WorkflowClient).start(GreetingWorkflow, 'Ann');
  await app.close();
}

async function beRefused(): Promise<void> {
  await open(options, ImpostorWorkflow).catch((error: Error) => say(error.name));
}

async function endBySignal(): Promise<void> {
  const app = await open(options);
  app.enableShutdownHooks();
  await app.get(WorkflowClient).start(GreetingWorkflow, 'the last');
  await app.get(Greeter).asked;
  process.kill(process.pid, 'SIGTERM');
}

if (what === 'signal') {
  await endBySignal();
} else {
  for (const scene of [closeWorker, closeClient, closeUninitialised, beRefused]) {
    say(`- ${scene.name}`);
    await scene();
  }
}

// Now it should end. This keeps nothing alive, and fires only where something else does; sooner than an idle connection
// is closed by its pool.
setTimeout(() => {
  console.error(`still alive: ${process.getActiveResourcesInfo().join(', ')}`);
  process.exit(99);
}, 5_000).unref();
