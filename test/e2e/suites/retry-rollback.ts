import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Activity,
  Compensate,
  InvalidInputError,
  NonRetryableError,
  OperationRefusedError,
  Workflow,
  WorkflowContext,
  WorkflowFailedError,
  WorkflowFailure,
  WorkflowNotFoundError,
} from 'nestjs-continuum';
import type { WorkflowHandle } from 'nestjs-continuum';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught, uniqueId } from '../support/helpers.js';

/** Whether the bank takes anything back. */
let bank: 'shut' | 'open' = 'open';
const undone: string[] = [];
function giveBack(what: string): void {
  if (bank === 'shut') throw new NonRetryableError('the bank is shut');
  undone.push(what);
}

@Injectable()
export class Payments {
  @Activity() async charge(amount: number): Promise<string> {
    return `paid ${amount}`;
  }
  @Compensate('charge') async refund(payment: string): Promise<void> {
    giveBack(payment);
  }
}

@Workflow({ name: 'charged' })
export class ChargedWorkflow {
  constructor(private readonly payments: Payments) {}
  async run(_: WorkflowContext, amount: number): Promise<never> {
    await this.payments.charge(amount);
    throw new WorkflowFailure('sold out');
  }
}

@Workflow({ name: 'charging parent' })
export class ChargingParentWorkflow {
  async run(ctx: WorkflowContext, id: string): Promise<string> {
    return await ctx.child(ChargedWorkflow, 5, { id }).catch((error: Error) => error.name);
  }
}

@Workflow({ name: 'invoice' })
export class InvoiceWorkflow {
  async run(_: WorkflowContext, customer: string): Promise<string> {
    return `invoice of ${customer}`;
  }
}
@Workflow({ name: 'credit' })
export class CreditWorkflow {
  async run(_: WorkflowContext, { result }: { result: string; input: string }): Promise<void> {
    if (bank === 'shut') throw new WorkflowFailure('the bank is shut');
    undone.push(result);
  }
}
@Workflow({ name: 'invoiced' })
export class InvoicedWorkflow {
  async run(ctx: WorkflowContext, customer: string): Promise<never> {
    await ctx.child(InvoiceWorkflow, customer, { compensate: CreditWorkflow });
    throw new WorkflowFailure('sold out');
  }
}

/** Going on with a rollback that failed. */
export function describeRetryRollback(backend: Backend, residency: Residency): void {
  describe(`a rollback that is tried again on ${backend.name}, ${residency}`, () => {
    let app: App;
    beforeAll(async () => {
      app = await openApp({
        continuum: await backend.fresh(),
        residency,
        providers: [
          Payments,
          ChargedWorkflow,
          ChargingParentWorkflow,
          InvoiceWorkflow,
          CreditWorkflow,
          InvoicedWorkflow,
        ],
      });
      await app.events.until('worker started');
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });
    beforeEach(() => {
      bank = 'shut';
      undone.length = 0;
    });

    const endOf = async (handle: WorkflowHandle): Promise<WorkflowFailedError> => {
      const error = await caught(handle.result());
      expect(error).toBeInstanceOf(WorkflowFailedError);
      return error as WorkflowFailedError;
    };

    it('undoes what was left, and the run has failed as before', async () => {
      const handle = await app.client.start(ChargedWorkflow, 7);
      expect((await endOf(handle)).rollback).toBe('incomplete');
      await handle.retryRollback();
      expect((await endOf(handle)).rollback).toBe('incomplete');
      bank = 'open';
      await handle.retryRollback({ reason: 'the bank is back', actor: { name: 'ann' } });
      const error = await endOf(handle);
      expect(error).toMatchObject({ rollback: 'complete', cause: { message: 'sold out' } });
      expect(undone).toEqual(['paid 7']);
      const { state, rollback, failure } = await handle.describe();
      expect([state, failure?.message]).toEqual(['failed', 'sold out']);
      expect(rollback).toMatchObject([{ name: 'Payments.refund', outcome: 'undone' }]);
      const retries = (await handle.history()).filter(({ entry }) => entry.type === 'rollback_retried');
      expect(retries.map(({ entry }) => entry)).toMatchObject([
        { reason: null },
        { reason: 'the bank is back', by: 'ann' },
      ]);
      const refused = await caught(handle.retryRollback({ actor: { name: 'bob' } }));
      expect(refused).toBeInstanceOf(OperationRefusedError);
      expect(refused).toMatchObject({ code: 'nothing left', state: 'failed', status: 409 });
      const { operations } = await handle.operations();
      expect(operations.map(({ verb, by, outcome, facts }) => [verb, by, outcome, facts])).toEqual([
        ['retryRollback', 'bob', 'refused', { code: 'nothing left' }],
        ['retryRollback', 'ann', 'applied', { reason: 'the bank is back' }],
      ]);
    });

    it('of a child: its parent was told of the end, and is not told again', async () => {
      const id = uniqueId();
      const parent = await app.client.start(ChargingParentWorkflow, id);
      expect(await parent.result()).toBe('ChildWorkflowFailure');
      const child = app.client.handle(ChargedWorkflow, id);
      bank = 'open';
      await child.retryRollback();
      expect((await endOf(child)).rollback).toBe('complete');
      const ends = (await parent.history()).filter(({ entry }) => entry.type.startsWith('child_f'));
      expect(ends).toHaveLength(1);
      expect((await child.describe()).lineage?.parent.workflowId).toBe(parent.workflowId);
    });

    it('by a workflow: another child undoes it', async () => {
      const handle = await app.client.start(InvoicedWorkflow, 'dora');
      expect((await endOf(handle)).rollback).toBe('incomplete');
      bank = 'open';
      await handle.retryRollback();
      expect((await endOf(handle)).rollback).toBe('complete');
      // Code of a workflow may run more than once.
      expect(new Set(undone)).toEqual(new Set(['invoice of dora']));
      const tries = (await handle.history()).flatMap(({ entry }) =>
        entry.type === 'child_started' && entry.name === 'credit' ? [entry.runId] : [],
      );
      expect(new Set(tries).size).toBe(2);
    });

    it('what it cannot be asked of is refused', async () => {
      expect(await caught(app.client.handle(uniqueId()).retryRollback())).toBeInstanceOf(
        WorkflowNotFoundError,
      );
      const handle = await app.client.start(InvoiceWorkflow, 'eve');
      await handle.result();
      expect(await caught(handle.retryRollback())).toMatchObject({
        code: 'nothing left',
        state: 'completed',
      });
      // The cast: what the compiler would not let through.
      for (const options of [{ reason: 7 }, { force: true }] as unknown as { reason: string }[])
        expect(await caught(handle.retryRollback(options))).toBeInstanceOf(InvalidInputError);
    });
  });
}
