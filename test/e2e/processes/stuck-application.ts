import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ContinuumModule, Workflow, WorkflowClient, WorkflowContext } from '../../../lib/index.js';
import type { ContinuumModuleOptions } from '../../../lib/index.js';

/*
 * A process of its own, which one of its two runs brings to a stop: node stuck-application.ts <options>. Its watchdog
 * ends it.
 */
const options = JSON.parse(process.argv[2] ?? '{}') as ContinuumModuleOptions;

@Workflow({ name: 'waiting' })
class Waiting {
  async run(ctx: WorkflowContext): Promise<void> {
    await ctx.sleep('1 hour');
  }
}

@Workflow({ name: 'spinning' })
class Spinning {
  async run(ctx: WorkflowContext): Promise<void> {
    await ctx.sleep(1);
    for (;;);
  }
}

@Module({ imports: [ContinuumModule.forRoot(options)], providers: [Waiting, Spinning] })
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
const client = app.get(WorkflowClient);
await client.start(Waiting, undefined, { id: 'beside' });
await client.start(Spinning, undefined, { id: 'culprit' });
