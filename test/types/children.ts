import type { ChildHandle, WorkflowContext } from 'nestjs-continuum';
import { defineSignal } from 'nestjs-continuum';
import type { Equal } from './support.js';
import { is } from './support.js';

// What children and other runs are asked with, and what comes back: compiled, never run.

declare class Bill {
  pay(cents: number): void;
  run(ctx: WorkflowContext, order: { readonly cents: number }): Promise<{ readonly receipt: string }>;
}
declare class Nightly {
  run(ctx: WorkflowContext): Promise<void>;
}
declare class Credit {
  execute(undone: {
    readonly result: { readonly receipt: string };
    readonly input: { readonly cents: number };
  }): Promise<void>;
}
declare class UndoBill {
  run(ctx: WorkflowContext, undone: { readonly result: { readonly receipt: string } }): Promise<void>;
}
declare class OfAnother {
  execute(undone: { readonly result: number }): Promise<void>;
}
const Paid = defineSignal<{ by: string }>('paid');

export async function children(ctx: WorkflowContext): Promise<void> {
  const result = await ctx.child(Bill, { cents: 1 });
  is<Equal<(typeof result)['receipt'], string>>();
  // @ts-expect-error its input has cents
  await ctx.child(Bill, { euros: 1 });
  // @ts-expect-error its input is missing
  await ctx.child(Bill);
  await ctx.child(Nightly);
  await ctx.child(Nightly, undefined, { id: 'nightly', parentClose: 'abandon' });
  // @ts-expect-error options are the third argument
  await ctx.child(Nightly, { id: 'nightly' });
  // @ts-expect-error there is no such end
  await ctx.child(Nightly, undefined, { parentClose: 'forget' });
  await ctx.child(Bill, { cents: 1 }, { compensate: Credit });
  await ctx.child(Bill, { cents: 1 }, { compensate: UndoBill });
  // @ts-expect-error it undoes what has another result
  await ctx.child(Bill, { cents: 1 }, { compensate: OfAnother });

  const bill = await ctx.startChild(Bill, { cents: 1 });
  is<Equal<typeof bill, ChildHandle<Bill>>>();
  is<Equal<Awaited<ReturnType<typeof bill.result>>['receipt'], string>>();
  await bill.signal('pay', 5);
  await bill.signal(Paid, { by: 'ann' });
  // @ts-expect-error its payload is a number
  await bill.signal('pay', 'five');
}

export async function others(ctx: WorkflowContext): Promise<void> {
  const bill = ctx.external(Bill, 'bill-1');
  await bill.signal('pay', 5);
  await bill.signal(Paid, { by: 'ann' });
  await bill.cancel({ reason: 'late' });
  // @ts-expect-error it handles no such signal
  await bill.signal('refund', 5);
  // @ts-expect-error its payload is missing
  await bill.signal('pay');
  // @ts-expect-error a run has no such name
  ctx.external('bill', 'bill-1');
}
