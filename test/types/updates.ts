// What the compiler says about updates: their handlers, their validators, and who asks for them.
import { OnUpdate, ValidateUpdate, Workflow } from 'nestjs-continuum';
import type { UpdateName, WorkflowContext, WorkflowHandle } from 'nestjs-continuum';
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
