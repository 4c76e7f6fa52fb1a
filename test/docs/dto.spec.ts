import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { ContinuumModule, InvalidInputError, WorkflowClient } from 'nestjs-continuum';
import { DtoOrderWorkflow, ItemDto, OrderDto, Shipped } from './examples/dto.js';

const soon = { timeout: '10s' } as const;
const order = { customer: 'ann', items: [{ sku: 'pen' }], note: 'not in the class' };

describe('the example of class-validator in the documentation', () => {
  let app: TestingModule;
  let client: WorkflowClient;
  beforeAll(async () => {
    app = await Test.createTestingModule({
      imports: [ContinuumModule.forRoot({ journal: 'memory' })],
      providers: [DtoOrderWorkflow],
    }).compile();
    app.useLogger(false);
    await app.init();
    client = app.get(WorkflowClient);
  });
  afterAll(() => app?.close());

  it('records what the class lets through, of plain objects and of instances', async () => {
    const handle = await client.start(DtoOrderWorkflow, order);
    await handle.signal('add', Object.assign(new ItemDto(), { sku: 'desk', count: 2 }));
    await handle.signal(Shipped, { sku: 'pen' });
    await expect(handle.result(soon)).resolves.toBe('ann: pen, desk; pen shipped');
    const inputs = (await handle.history()).flatMap(({ entry }) =>
      entry.type === 'run_started' ? [entry.input] : [],
    );
    expect(inputs).toEqual([{ customer: 'ann', items: [{ sku: 'pen' }] }]);
  });

  it('tells what is wrong, and where', async () => {
    const bad = Object.assign(new OrderDto(), { customer: 7, items: [{ sku: '' }] });
    const refusal = client.start(DtoOrderWorkflow, bad);
    await expect(refusal).rejects.toBeInstanceOf(InvalidInputError);
    await expect(refusal).rejects.toMatchObject({
      issues: [
        { path: ['customer'], message: 'customer must be a string' },
        { path: ['items', '0', 'sku'], message: expect.stringMatching(/longer than or equal to 1/) },
      ],
    });
    for (const none of [undefined, null, 7, [order]])
      await expect(client.start('dto-order', none)).rejects.toThrow(/OrderDto must be an object/);
  });

  it('is applied to what a sender without the class has sent', async () => {
    const { workflowId } = await client.start(DtoOrderWorkflow, order);
    const untyped = client.handle(workflowId);
    await untyped.signal('add', { sku: 7 });
    await untyped.signal('shipped', {});
    await untyped.signal('shipped', { sku: 'pen', count: 1 });
    await expect(untyped.result(soon)).resolves.toBe('ann: pen; pen shipped');
    const refused = (await untyped.history()).flatMap(({ entry }) =>
      entry.type === 'signal_refused' ? [entry.issues] : [],
    );
    expect(refused).toEqual([
      expect.stringMatching(/^sku: sku must be longer.*; sku: sku must be a string$/),
      expect.stringMatching(/^sku: /),
    ]);
  });
});
