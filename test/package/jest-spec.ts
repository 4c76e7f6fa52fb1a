// What a Nest 11 application's own Jest runs, as `nest new` sets it up: ts-jest, CommonJS, nothing configured for us.
import { describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { Activity, ContinuumModule, Workflow, WorkflowClient, WorkflowContext } from 'nestjs-continuum';

@Injectable()
class Greeter {
  @Activity()
  async greet(name: string): Promise<Map<string, string>> {
    return new Map([['hello', name]]);
  }
}

@Workflow()
class GreetingWorkflow {
  constructor(private readonly greeter: Greeter) {}

  async run(ctx: WorkflowContext, name: string): Promise<Map<string, string>> {
    await ctx.sleep(5);
    return this.greeter.greet(name);
  }
}

describe('a workflow in memory', () => {
  it('runs', async () => {
    const app = await Test.createTestingModule({
      imports: [ContinuumModule.forRoot({ journal: 'memory' })],
      providers: [Greeter, GreetingWorkflow],
    }).compile();
    await app.init();
    const result = await app.get(WorkflowClient).execute(GreetingWorkflow, 'Ann');
    expect([...result]).toEqual([['hello', 'Ann']]);
    await app.close();
  });
});
