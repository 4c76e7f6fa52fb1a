// What the compiler says about updates: their handlers, their validators, and who asks for them.
import { OnSignal, OnUpdate, ValidateUpdate, Workflow } from 'nestjs-continuum';
import type { UpdateName, WorkflowClient, WorkflowContext, WorkflowHandle } from 'nestjs-continuum';
import { z } from 'zod';
import type { Equal } from './support.js';
import { is } from './support.js';

@Workflow()
export class Subscription {
  protected plan = 'basic';

  @OnUpdate() async changePlan(plan: 'basic' | 'pro'): Promise<{ price: number; since: Date }> {
    return { price: plan.length, since: new Date(0) };
  }
  @OnUpdate() renew(): number {
    return 1;
  }
  @OnUpdate({ input: z.object({ by: z.number().default(1) }) }) grow({ by }: { by: number }): void {
    this.plan += by;
  }
  // @ts-expect-error an update takes one payload
  @OnUpdate() two(a: string, b: string): string {
    return a + b;
  }
  // @ts-expect-error the method does not take what the schema yields
  @OnUpdate({ input: z.string() }) wrong(n: number): number {
    return n;
  }

  @ValidateUpdate('changePlan') protected checkPlan(plan: 'basic' | 'pro'): void {
    if (plan === this.plan) throw new Error('It is that already.');
  }
  @ValidateUpdate('renew') protected checkNothing(): void {}
  // @ts-expect-error there is no such method
  @ValidateUpdate('chnagePlan') protected checkTypo(): void {}
  // @ts-expect-error a validator answers at once
  @ValidateUpdate('renew') protected async checkLate(): Promise<void> {}
  // @ts-expect-error the update takes something else
  @ValidateUpdate('changePlan') protected checkNumber(plan: number): void {
    this.plan += plan;
  }

  async run(ctx: WorkflowContext): Promise<void> {
    await ctx.condition(() => ctx.handlersFinished());
  }
}

@Workflow()
export class Approval {
  protected by = '';
  @OnSignal() approve(by: string): void {
    this.by = by;
  }
  @OnSignal() nudge(): void {
    this.by = '?';
  }
  async run(ctx: WorkflowContext, input: { readonly of: string }): Promise<string> {
    await ctx.condition(() => this.by !== '');
    return input.of;
  }
}

export async function startingWith(client: WorkflowClient): Promise<void> {
  const { handle, result } = await client.updateWithStart(Subscription, undefined, 'changePlan', 'pro', {
    id: 's-1',
    timeout: '10s',
  });
  is<Equal<typeof handle, WorkflowHandle<Subscription>>>();
  is<Equal<typeof result.price, number>>();
  const signalled = await client.signalWithStart(Approval, { of: 'x' }, 'approve', 'ann', { id: 'a-1' });
  is<Equal<typeof signalled, WorkflowHandle<Approval>>>();
  await client.signalWithStart(Approval, { of: 'x' }, 'nudge');
  // @ts-expect-error the input has another type
  await client.signalWithStart(Approval, 5, 'approve', 'ann');
  // @ts-expect-error the payload has another type
  await client.signalWithStart(Approval, { of: 'x' }, 'approve', 5);
  // @ts-expect-error no such signal
  await client.signalWithStart(Approval, { of: 'x' }, 'aprove', 'ann');
  // @ts-expect-error it cannot take part in a transaction
  await client.signalWithStart(Approval, { of: 'x' }, 'nudge', undefined, { manager: {} });
  // @ts-expect-error no such plan
  await client.updateWithStart(Subscription, undefined, 'changePlan', 'gold');
}

export async function updating(handle: WorkflowHandle<Subscription>, loose: WorkflowHandle): Promise<void> {
  is<Equal<UpdateName<Subscription>, 'changePlan' | 'renew' | 'grow' | 'two' | 'wrong'>>();
  const changed = await handle.update('changePlan', 'pro', { dedupeId: 'r', timeout: '10s' });
  is<Equal<typeof changed.price, number>>();
  is<Equal<typeof changed.since, Date>>();
  const renewed = await handle.update('renew', undefined, { signal: new AbortController().signal });
  is<Equal<typeof renewed, number>>();
  await handle.update('renew', undefined, { timeout: Infinity });
  // @ts-expect-error no such plan
  await handle.update('changePlan', 'gold');
  // @ts-expect-error the payload is missing
  await handle.update('changePlan');
  // @ts-expect-error no such update
  await handle.update('chnagePlan', 'pro');
  // @ts-expect-error run is no update
  await handle.update('run');
  // @ts-expect-error an unknown option
  await handle.update('renew', undefined, { id: 'x' });
  const any = await loose.update('anything', { at: 1 }, { dedupeId: 'x' });
  is<Equal<typeof any, unknown>>();
}
