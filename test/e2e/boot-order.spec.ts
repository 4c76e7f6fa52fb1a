import { afterEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  Activity,
  ContinuumModule,
  getWorkflowClientToken,
  Workflow,
  WorkflowClient,
} from 'nestjs-continuum';
import { gate } from '../support/gate.js';

let release = gate();
let steps: string[] = [];

@Injectable()
class Mails implements OnApplicationBootstrap {
  async onApplicationBootstrap(): Promise<void> {
    await release.opened;
    steps.push('mails are ready');
  }
  @Activity() async send(): Promise<void> {
    steps.push('a mail is sent');
  }
}

@Workflow({ name: 'greeting' })
class GreetingWorkflow {
  constructor(private readonly mails: Mails) {}
  async run(): Promise<string> {
    await this.mails.send();
    return 'sent';
  }
}

@Injectable()
class Early implements OnApplicationBootstrap {
  constructor(@Inject(getWorkflowClientToken()) private readonly client: WorkflowClient) {}
  async onApplicationBootstrap(): Promise<void> {
    await this.client.start(GreetingWorkflow, undefined, { id: 'early' });
    // What would be claimed, or born leased, had time to begin.
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    steps.push('started');
    release.open();
  }
}
@Module({ providers: [Early] })
class EarlyModule {}

@Module({
  imports: [ContinuumModule.forRoot({ journal: 'memory' }), EarlyModule],
  providers: [Mails, GreetingWorkflow],
})
class AppModule {}

describe('a worker begins once the whole application has started', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0)) await close();
  });

  it.each(['createApplicationContext', 'create and init', 'create and listen'] as const)(
    '%s',
    async (way) => {
      release = gate();
      steps = [];
      const options = { logger: false } as const;
      const begin = async () => {
        if (way === 'createApplicationContext')
          return NestFactory.createApplicationContext(AppModule, options);
        const app = await NestFactory.create(AppModule, options);
        closing.push(() => app.close());
        if (way === 'create and init') return app.init();
        await app.listen(0, '127.0.0.1');
        return app;
      };
      const app = await begin();
      if (closing.length === 0) closing.push(() => app.close());
      const client = app.get(WorkflowClient);
      await expect(client.handle('early').result()).resolves.toBe('sent');
      expect(steps).toEqual(['started', 'mails are ready', 'a mail is sent']);
    },
  );
});
