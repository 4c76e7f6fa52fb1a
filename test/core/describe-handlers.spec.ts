import { expect, it } from '@jest/globals';
import { describeHandlers, OnQuery, OnSignal, OnUpdate, ValidateUpdate, Workflow } from 'nestjs-continuum';
import { z } from 'zod';
import type { StandardSchemaV1 } from '@standard-schema/spec';

/** A schema of a library that knows no JSON Schema. */
const plain: StandardSchemaV1<string> = {
  '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value: String(value) }) },
};

@Workflow({ name: 'subscription' })
class SubscriptionWorkflow {
  @OnSignal() end(): void {}
  @OnSignal({ input: plain }) note(_text: string): void {}
  @OnUpdate({ input: z.object({ plan: z.enum(['basic', 'pro']), months: z.number().default(1) }) })
  change(change: { plan: 'basic' | 'pro'; months: number }): number {
    return change.months;
  }
  @OnUpdate({ input: z.object({ at: z.date() }) }) since({ at }: { at: Date }): number {
    return at.getTime();
  }
  @ValidateUpdate('change') protected check(): void {}
  @OnQuery() plan(): string {
    return '';
  }
  async run(): Promise<void> {}
}

it('tells the handlers of a workflow, each with the JSON Schema of what a sender gives', () => {
  expect(describeHandlers(SubscriptionWorkflow)).toEqual([
    { kind: 'signal', name: 'end', input: null },
    { kind: 'signal', name: 'note', input: null },
    {
      kind: 'update',
      name: 'change',
      // What has a default need not be given.
      input: expect.objectContaining({
        type: 'object',
        required: ['plan'],
        properties: {
          plan: { type: 'string', enum: ['basic', 'pro'] },
          months: { type: 'number', default: 1 },
        },
      }),
    },
    // A date has no JSON Schema.
    { kind: 'update', name: 'since', input: null },
    { kind: 'query', name: 'plan', input: null },
  ]);
});

it('tells nothing of what is no workflow', () => {
  class Plain {
    run(): void {}
  }
  expect(describeHandlers(Plain)).toEqual([]);
});
