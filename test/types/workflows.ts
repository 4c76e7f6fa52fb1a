// What the compiler says about workflows and their context. `npm run typecheck` runs it.
import { Inject } from '@nestjs/common';
import {
  OnQuery,
  OnSignal,
  RunInput,
  Workflow,
  WorkflowContext,
  WorkflowFailure,
  WorkflowSafe,
  defineSignal,
} from 'nestjs-continuum';
import { z } from 'zod';
import type { Attributes } from 'nestjs-continuum';
import type { Order, Receipt } from './activities.js';
import { Cleanup, MaybeInput, ShipOrder, StockActivities } from './activities.js';
import type { Equal } from './support.js';
import { is } from './support.js';

export const Approved = defineSignal<{ by: string }>('approved');
export const Nudge = defineSignal('nudge');
export const Parsed = defineSignal(
  'parsed',
  z.object({ at: z.string().transform((text) => new Date(text)) }),
);

@WorkflowSafe()
export class Prices {
  // @ts-expect-error a class or a parameter is safe, a method is not
  @WorkflowSafe() of(sku: string): number {
    return sku.length;
  }
}

@Workflow({ name: 'order', version: 1, compensation: 'manual' })
export class OrderWorkflow {
  private approvedBy?: string;
  @Inject('NOTE') @WorkflowSafe() readonly note!: string;

  constructor(
    private readonly stock: StockActivities,
    private readonly ctx: WorkflowContext,
    readonly prices: Prices,
    @Inject('TAX') @WorkflowSafe() readonly tax: number,
  ) {}

  @OnSignal() approve(by: string): void {
    this.approvedBy = by;
  }
  @OnSignal() async nudge(): Promise<void> {
    await this.ctx.sleep('1s');
  }
  @OnQuery() status(): 'approved' | 'waiting' {
    return this.approvedBy === undefined ? 'waiting' : 'approved';
  }
  @OnQuery() line(n: number): string {
    return `${n}`;
  }
  // @ts-expect-error a query answers at once
  @OnQuery() async badLate(): Promise<string> {
    return '';
  }
  // @ts-expect-error a query answers
  @OnQuery() badSilent(): void {}
  // @ts-expect-error a signal does not answer
  @OnSignal() badAnswer(x: string): number {
    return x.length;
  }
  // @ts-expect-error a signal has one payload
  @OnSignal() badPair(x: string, y: string): void {
    void [x, y];
  }

  async run(ctx: WorkflowContext, order: Order): Promise<Receipt> {
    const { reservation } = await this.stock.reserve(order.items);
    is<Equal<typeof reservation, string>>();
    await activities(ctx, this.stock);
    await signals(ctx);
    if (!(await ctx.condition(() => this.approvedBy !== undefined, '3 days'))) {
      throw new WorkflowFailure('not approved in time');
    }
    return ctx.run(ShipOrder, { order }, { retry: { maxAttempts: 5 } });
  }
}

async function activities(ctx: WorkflowContext, stock: StockActivities): Promise<void> {
  const count = await ctx
    .activities(StockActivities, { timeout: '1m', retry: { maxAttempts: 1 } })
    .count('sku', 'here');
  is<Equal<typeof count, number>>();
  const generic = await ctx.activities(StockActivities).pick(['a', 'b'] as const);
  is<Equal<typeof generic, 'a' | 'b' | undefined>>();
  // @ts-expect-error nothing a workflow can call
  ctx.activities(StockActivities).helper(1);
  // @ts-expect-error wrong argument
  await stock.count(1);
  // But this compiles, since the parameter's type is the class: it is caught at run time.
  void (() => stock.helper(1));

  const receipt = await ctx.run(ShipOrder, { order: { id: '1', items: [] } }, { timeout: '5s' });
  is<Equal<typeof receipt, Receipt>>();
  // @ts-expect-error the input is missing
  await ctx.run(ShipOrder);
  // @ts-expect-error the input has another type
  await ctx.run(ShipOrder, 5);
  await ctx.run(Cleanup);
  await ctx.run(Cleanup, undefined, { timeout: '1m' });
  // @ts-expect-error takes no input
  await ctx.run(Cleanup, 1);
  // @ts-expect-error options of a call name no activity
  await ctx.run(Cleanup, undefined, { name: 'x' });
  const maybe = await ctx.run(MaybeInput);
  is<Equal<typeof maybe, number>>();
  await ctx.run(MaybeInput, 1);
  ctx.onRollback(ShipOrder, { order: { id: '1', items: [] } });
  // @ts-expect-error the input is missing
  ctx.onRollback(ShipOrder);
}

async function signals(ctx: WorkflowContext): Promise<void> {
  const approved = await ctx.waitForSignal(Approved);
  is<Equal<typeof approved, { by: string }>>();
  const inTime = await ctx.waitForSignal(Approved, { timeout: '3 days' });
  is<Equal<typeof inTime, { by: string } | undefined>>();
  const parsed = await ctx.waitForSignal(Parsed);
  is<Equal<typeof parsed, { at: Date }>>();
  const always = await ctx.condition(() => true);
  is<Equal<typeof always, true>>();
  const drawn = ctx.sideEffect(() => ({ n: 5 }));
  is<Equal<typeof drawn, { n: number }>>();
  const scoped = await ctx.withTimeout('1m', async () => 'x');
  is<Equal<typeof scoped, string>>();
  const first = await ctx.race({
    approved: () => ctx.waitForSignal(Approved),
    late: () => ctx.sleep('1 day'),
    count: async () => 5,
  });
  is<
    Equal<
      typeof first,
      | { readonly key: 'approved'; readonly value: { by: string } }
      | { readonly key: 'late'; readonly value: void }
      | { readonly key: 'count'; readonly value: number }
    >
  >();
  if (first.key === 'approved') is<Equal<typeof first.value, { by: string }>>();
  const any = await ctx.race(Object.fromEntries(['a', 'b'].map((name) => [name, async () => name])));
  is<Equal<typeof any, { readonly key: string; readonly value: string }>>();
  // @ts-expect-error a promise that was begun outside cannot be cancelled: branches are functions
  await ctx.race({ approved: ctx.waitForSignal(Approved) });
  // @ts-expect-error branches have names
  await ctx.race([() => ctx.sleep(1)]);
  const lengths = await ctx.map(['a', 'b'], async (text, index) => text.length + index, { concurrency: 5 });
  is<Equal<typeof lengths, number[]>>();
  const ofSet = await ctx.map(new Set([1]), async (n) => ({ n }));
  is<Equal<typeof ofSet, { n: number }[]>>();
  // @ts-expect-error what is done for an item can be awaited
  await ctx.map([1], (n) => n);
  // @ts-expect-error a list, not its length
  await ctx.map(3, async (n) => n);
  const isPatched = ctx.patched('fee');
  is<Equal<typeof isPatched, boolean>>();
  // @ts-expect-error a patch has an id
  ctx.patched();
}

// -------------------------------------------------------------------------------------------- shapes

@Workflow()
export class Nightly {
  async run(ctx: WorkflowContext): Promise<number> {
    return ctx.now().getTime();
  }
}
@Workflow()
export class MaybeSince {
  async run(_ctx: WorkflowContext, input?: { since?: string }): Promise<void> {
    void input;
  }
}
@Workflow()
export class NoContext {
  async run(): Promise<void> {}
}
abstract class Base {
  @OnQuery() progress(): number {
    return 1;
  }
  @OnSignal() stop(): void {}
}
@Workflow()
export class Derived extends Base {
  async run(_ctx: WorkflowContext, n: number): Promise<string> {
    return String(n);
  }
}
@Workflow()
export class Gen<T extends string> {
  async run(_ctx: WorkflowContext, input: T): Promise<T> {
    return input;
  }
}
// @ts-expect-error no run()
@Workflow()
export class NoRun {}
// @ts-expect-error the context is forgotten
@Workflow()
export class Forgot {
  async run(order: Order): Promise<void> {
    void order;
  }
}
// @ts-expect-error run() promises
@Workflow()
export class SyncRun {
  run(_ctx: WorkflowContext): number {
    return 1;
  }
}
// @ts-expect-error one input: put several values into one object
@Workflow()
export class TwoInputs {
  async run(_ctx: WorkflowContext, a: number, b: string): Promise<void> {
    void [a, b];
  }
}
Workflow({ executionTimeout: '30 days', runTimeout: 5_000 });
// @ts-expect-error a unit that there is not
Workflow({ executionTimeout: '30 fortnights' });
// @ts-expect-error an option that is not there yet
Workflow({ rateLimit: 5 });

// ------------------------------------------------------------------------------------------- schemas

const OrderSchema = z.object({ id: z.string(), items: z.array(z.string()).default([]) });
@Workflow({ input: OrderSchema })
export class Checked {
  async run(_ctx: WorkflowContext, order: Order): Promise<void> {
    void order;
  }
}
// Checked by the schema alone.
@Workflow({ input: OrderSchema })
export class CheckedUnknown {
  async run(_ctx: WorkflowContext, order: unknown): Promise<void> {
    void order;
  }
}
@Workflow({ input: z.string().optional() })
export class CheckedOptional {
  async run(_ctx: WorkflowContext, since?: string): Promise<void> {
    void since;
  }
}
// @ts-expect-error run() takes something else
@Workflow({ input: OrderSchema })
export class CheckedWrong {
  async run(_ctx: WorkflowContext, order: number): Promise<void> {
    void order;
  }
}
// @ts-expect-error run() takes nothing
@Workflow({ input: OrderSchema })
export class CheckedNothing {
  async run(_ctx: WorkflowContext): Promise<void> {}
}
// @ts-expect-error the schema transforms: callers could not give what run() takes
@Workflow({ input: z.string().transform((text) => new Date(text)) })
export class CheckedTransform {
  async run(_ctx: WorkflowContext, at: Date): Promise<void> {
    void at;
  }
}

@Workflow()
export class CheckedSignals {
  @OnSignal({ input: z.string() }) by(name: string): void {
    void name;
  }
  @OnSignal({ input: z.undefined() }) nothing(): void {}
  @OnSignal({ input: z.string() }) anything(payload: unknown): void {
    void payload;
  }
  // @ts-expect-error the schema yields a string
  @OnSignal({ input: z.string() }) byNumber(name: number): void {
    void name;
  }
  // @ts-expect-error callers could not give what the schema takes
  @OnSignal({ input: z.string().transform((text) => new Date(text)) }) at(date: Date): void {
    void date;
  }
  // @ts-expect-error a signal does not answer
  @OnSignal({ input: z.string() }) answer(name: string): number {
    return name.length;
  }
  async run(): Promise<void> {}
}

export function showing(ctx: WorkflowContext): void {
  ctx.setAttributes({ stage: 'paid', total: 5, late: true, tags: ['a'], address: { city: 'Ulm' } });
  ctx.setAttributes({ stage: null, total: undefined });
  ctx.setDetails('waits');
  ctx.setDetails(null);
  const { attributes } = ctx.info;
  is<Equal<typeof attributes, Attributes>>();
  // @ts-expect-error a copy is there to be read
  attributes['stage'] = 'mine';
  // @ts-expect-error a date is no plain JSON
  ctx.setAttributes({ at: new Date() });
  // @ts-expect-error nor is a function
  ctx.setAttributes({ f: () => 1 });
  // @ts-expect-error details are a text
  ctx.setDetails(5);
}

// ------------------------------------------------------------------------------------ continuing as new
@Workflow()
export class ContinuingWorkflow {
  constructor(@RunInput() readonly order: Order) {}

  async run(ctx: WorkflowContext, order: Order): Promise<Receipt> {
    if (ctx.info.continueAsNewSuggested) return ctx.continueAsNew(order);
    if (ctx.info.historyBytes > 1) return ctx.continueAsNew();
    // The input is that of the class.
    if (ctx.info.historyLength > 1) return ctx.continueAsNew(ContinuingWorkflow, order);
    // @ts-expect-error another input
    if (ctx.info.historyLength > 2) return ctx.continueAsNew(ContinuingWorkflow, 'order');
    // @ts-expect-error none, where there has to be one
    if (ctx.info.historyLength > 3) return ctx.continueAsNew(ContinuingWorkflow);
    if (ctx.info.historyLength > 4) return ctx.continueAsNew(ContinuingWorkflow, order, { runTimeout: '1h' });
    if (ctx.info.historyLength > 5) return ctx.continueAsNew(order, { runTimeout: 60_000 });
    if (ctx.info.historyLength > 6) return ctx.continueAsNew(undefined, { runTimeout: '2 days' });
    // @ts-expect-error no duration
    if (ctx.info.historyLength > 7) return ctx.continueAsNew(order, { runTimeout: 'soon' });
    // @ts-expect-error the time of all the runs is not begun anew
    if (ctx.info.historyLength > 8) return ctx.continueAsNew(order, { executionTimeout: '1h' });
    // @ts-expect-error the same, behind a class
    if (ctx.info.historyLength > 9) return ctx.continueAsNew(ContinuingWorkflow, order, { id: 'other' });
    is<Equal<ReturnType<typeof ctx.continueAsNew>, Promise<never>>>();
    is<Equal<typeof ctx.info.startedAt, Date>>();
    is<Equal<typeof ctx.info.input, unknown>>();
    return ctx.continueAsNew(order);
  }
}

// -------------------------------------------------------------------------------------------- new names
@Workflow({ name: 'parcel', aliases: ['order', 'sale'] })
export class ParcelWorkflow {
  async run(_ctx: WorkflowContext): Promise<void> {}
}
// @ts-expect-error a list of them
Workflow({ aliases: 'order' });
// @ts-expect-error of names
Workflow({ aliases: [OrderWorkflow] });
