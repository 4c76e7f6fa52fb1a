import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { WorkflowClient } from '../../lib/client/workflow-client.js';
import { describeWorkflow } from '../../lib/core/index.js';
import { OnQuery, OnSignal, Workflow } from '../../lib/nest/decorators/index.js';
import { getWorkflowClientToken } from '../../lib/nest/workflow-client.token.js';

const Name = z.string().min(1);
const Order = z.object({ id: z.string() });

abstract class Approvable {
  @OnSignal({ input: Name }) approve(by: string): void {
    void by;
  }
  @OnSignal() stop(): void {}
  @OnQuery() progress(): number {
    return 0;
  }
}

@Workflow({ input: Order })
class OrderWorkflow extends Approvable {
  // An override keeps what it inherits.
  override approve(by: string): void {
    void by;
  }
  // A new mark replaces the inherited one.
  @OnSignal({ input: z.undefined() }) override stop(): void {}
  async run(_ctx: unknown, order: { id: string }): Promise<string> {
    return order.id;
  }
}

describe('a workflow, by its class alone', () => {
  it('says its name, its version and its rollback', () => {
    expect(describeWorkflow(OrderWorkflow)).toMatchObject({
      name: 'OrderWorkflow',
      version: 1,
      compensation: 'automatic',
    });
  });

  it('says the schemas of its input and its signals', () => {
    const descriptor = describeWorkflow(OrderWorkflow);

    expect(descriptor?.input).toBe(Order);
    expect(descriptor?.signals.get('approve')).toBe(Name);
    expect(descriptor?.signals.get('stop')).toBeInstanceOf(z.ZodUndefined);
    expect([...(descriptor?.signals.keys() ?? [])]).toEqual(['approve', 'stop']);
    expect([...(descriptor?.queries ?? [])]).toEqual(['progress']);
  });

  it('is none without the decorator, also when it extends one', () => {
    class Later extends OrderWorkflow {}

    expect(describeWorkflow(Approvable)).toBeUndefined();
    expect(describeWorkflow(Later)).toBeUndefined();
  });

  it('leaves nothing on the class that others would see', () => {
    expect(Object.keys(OrderWorkflow)).toEqual([]);
    expect(Object.keys(OrderWorkflow.prototype)).toEqual([]);
  });
});

describe('getWorkflowClientToken', () => {
  it('is the class for the instance without a name, and a text for others', () => {
    expect(getWorkflowClientToken()).toBe(WorkflowClient);
    expect(getWorkflowClientToken('default')).toBe(WorkflowClient);
    expect(getWorkflowClientToken('billing')).toBe('ContinuumWorkflowClient_billing');
  });
});
