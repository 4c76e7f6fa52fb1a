// What the compiler says about what one run asks of others, and of itself, and about uses that are wrong. `npm run typecheck`
// runs it.
import { Injectable } from '@nestjs/common';
import { Activity, defineSignal, OnQuery, OnSignal, OnUpdate, RunInput, Workflow } from 'nestjs-continuum';
import type {
  Attributes,
  ChildHandle,
  ExternalHandle,
  RunLink,
  WorkflowClient,
  WorkflowContext,
  WorkflowHandle,
} from 'nestjs-continuum';
import type { Equal } from './support.js';
import { is } from './support.js';

interface Offer {
  readonly cents: number;
  readonly until: Date;
}
export const Approved = defineSignal<{ readonly by: string }>('approved');
const Closed = defineSignal('closed');

/** Waits for signals by their names: no method of the class stands for them. */
@Workflow({ name: 'waiting' })
export class WaitingWorkflow {
  protected seen = 0;
  @OnSignal() look(times: number): void {
    this.seen += times;
  }
  @OnQuery() looks(): number {
    return this.seen;
  }
  @OnUpdate() reset(to: number): number {
    return (this.seen = to);
  }
  async run(ctx: WorkflowContext, offer: Offer): Promise<Offer> {
    const approval = await ctx.waitForSignal<{ readonly by: string }>('approved');
    is<Equal<typeof approval, { readonly by: string }>>();
    const late = await ctx.waitForSignal<{ readonly by: string }>('approved', { timeout: '1 day' });
    is<Equal<typeof late, { readonly by: string } | undefined>>();
    // Nobody says of which type it is.
    const unknowing = await ctx.waitForSignal('closed');
    is<Equal<typeof unknowing, unknown>>();
    return offer;
  }
}
@Workflow({ name: 'bare' })
export class BareWorkflow {
  async run(_ctx: WorkflowContext): Promise<void> {}
}
@Injectable()
export class Counting {
  @Activity() async count(text: string): Promise<number> {
    return text.length;
  }
}

// ------------------------------------------------------- a signal that is waited for, by a typed handle
export async function waitedFor(client: WorkflowClient, ctx: WorkflowContext): Promise<void> {
  const handle = client.handle(WaitingWorkflow, 'offer-1');
  const child = await ctx.startChild(WaitingWorkflow, { cents: 1, until: new Date(0) });
  const other = ctx.external(WaitingWorkflow, 'offer-1');
  for (const to of [child, other]) {
    // Whoever sends it has the same object as whoever waits, or one of its name and its payload.
    await to.signal(Approved, { by: 'ann' });
    await to.signal(defineSignal<{ by: string }>('approved'), { by: 'ann' });
    await to.signal(Closed);
    // @ts-expect-error it has another payload
    await to.signal(Approved, 'ann');
    // @ts-expect-error its payload is missing
    await to.signal(Approved);
    // @ts-expect-error it has no payload
    await to.signal(Closed, 5);
    // @ts-expect-error a name alone tells no payload: it is that of a handler
    await to.signal('approved', { by: 'ann' });
    await to.signal('look', 1);
    // @ts-expect-error an update answers, so it is asked for
    await to.signal('reset', 1);
    // @ts-expect-error a query is no signal
    await to.signal('looks');
  }
  // Whoever sends it has the same object as whoever waits, or one of its name and its payload.
  await handle.signal(Approved, { by: 'ann' });
  await handle.signal(defineSignal<{ by: string }>('approved'), { by: 'ann' });
  await handle.signal(Closed);
  // @ts-expect-error it has another payload
  await handle.signal(Approved, 'ann');
  // @ts-expect-error its payload is missing
  await handle.signal(Approved);
  // @ts-expect-error it has no payload
  await handle.signal(Closed, 5);
  // @ts-expect-error a name alone tells no payload: it is that of a handler
  await handle.signal('approved', { by: 'ann' });
  await handle.signal('look', 1);
  // @ts-expect-error an update answers, so it is asked for
  await handle.signal('reset', 1);
  // @ts-expect-error a query is no signal
  await handle.signal('looks');
  await client.signalWithStart(WaitingWorkflow, { cents: 1, until: new Date(0) }, Approved, { by: 'ann' });
  // @ts-expect-error it has another payload
  await client.signalWithStart(WaitingWorkflow, { cents: 1, until: new Date(0) }, Approved, 5);
  // @ts-expect-error no more than a signal and its payload
  await child.signal(Approved, { by: 'ann' }, { dedupeId: 'x' });
}

// ---------------------------------------------------------------------------------------------- children
export async function children(ctx: WorkflowContext): Promise<void> {
  const offer = { cents: 1, until: new Date(0) };
  const handle = await ctx.startChild(WaitingWorkflow, offer, { runTimeout: '1 day', id: 'offer-1' });
  is<Equal<typeof handle, ChildHandle<WaitingWorkflow>>>();
  const result = await handle.result();
  is<Equal<typeof result.until, Date>>();
  is<Equal<ReturnType<typeof handle.cancel>, void>>();
  const nothing = await ctx.child(BareWorkflow);
  is<Equal<typeof nothing, void>>();
  // @ts-expect-error its input is missing
  await ctx.startChild(WaitingWorkflow);
  // @ts-expect-error its input has another type
  await ctx.startChild(WaitingWorkflow, { cents: '1' });
  // @ts-expect-error it has no input
  await ctx.child(BareWorkflow, 5);
  // @ts-expect-error no duration
  await ctx.child(BareWorkflow, undefined, { runTimeout: 'soon' });
  // @ts-expect-error an unknown option
  await ctx.child(BareWorkflow, undefined, { attributes: {} });
  // @ts-expect-error an activity is no workflow
  await ctx.child(Counting, 'text');
  // @ts-expect-error nor is a name
  await ctx.child('bare');
  // @ts-expect-error who asks for an update is outside
  await handle.update('reset', 1);
  // @ts-expect-error a child is not read either
  await handle.query('looks');

  const other = ctx.external(WaitingWorkflow, 'offer-1');
  is<Equal<typeof other, ExternalHandle<WaitingWorkflow>>>();
  const start = { cents: 1, until: new Date(0) };
  await other.signalWithStart(start, Approved, { by: 'ann' }, { runTimeout: '1h', executionTimeout: '1d' });
  await other.signalWithStart(start, 'look', 1);
  // @ts-expect-error its input is that of the class
  await other.signalWithStart(5, Approved, { by: 'ann' });
  // @ts-expect-error it has another payload
  await other.signalWithStart(start, Approved, 5);
  // @ts-expect-error it handles no such signal
  await other.signalWithStart(start, 'approved', { by: 'ann' });
  // @ts-expect-error the handle has the id
  await other.signalWithStart(start, Approved, { by: 'ann' }, { id: 'another' });
  await ctx.external(BareWorkflow, 'bare-1').signalWithStart(undefined, Closed);
  // @ts-expect-error nobody waits for a run of others
  await other.result();
  // @ts-expect-error which of its runs is not asked
  ctx.external(WaitingWorkflow);
  // @ts-expect-error a reason is a text
  await other.cancel({ reason: 5 });
}

// ------------------------------------------------------------------------------------- many, and sagas
export async function parts(ctx: WorkflowContext, counting: Counting): Promise<void> {
  const counts = await ctx.map(['a', 'b'], (text) => counting.count(text));
  is<Equal<typeof counts, number[]>>();
  const offers = await ctx.map([1, 2], (cents) => ctx.child(WaitingWorkflow, { cents, until: new Date(0) }));
  is<Equal<(typeof offers)[number]['cents'], number>>();
  // @ts-expect-error its items are numbers
  await ctx.map([1, 2], (cents: string) => counting.count(cents));
  // @ts-expect-error a number
  await ctx.map(['a'], (text) => counting.count(text), { concurrency: '5' });
  // @ts-expect-error an unknown option
  await ctx.map(['a'], (text) => counting.count(text), { limit: 5 });

  const kept = await ctx.saga(async () => ({ n: await counting.count('a') }));
  is<Equal<typeof kept, { n: number }>>();
  const both = await ctx.saga(() => Promise.all([counting.count('a'), ctx.child(BareWorkflow)]));
  is<Equal<typeof both, [number, void]>>();
  // @ts-expect-error a function, so that it begins inside
  await ctx.saga(counting.count('a'));
  // @ts-expect-error that promises
  await ctx.saga(() => 5);
}

// ------------------------------------------------------------------------------------- continuing as new
@Workflow({ name: 'monthly' })
export class MonthlyWorkflow {
  constructor(
    @RunInput() readonly month: number,
    readonly counting: Counting,
  ) {}

  async run(ctx: WorkflowContext, month: number): Promise<string> {
    if (month === 1) return ctx.continueAsNew(MonthlyWorkflow, month + 1);
    if (month === 2) return ctx.continueAsNew(WaitingWorkflow, { cents: 1, until: new Date(0) });
    if (month === 3) return ctx.continueAsNew(BareWorkflow);
    // @ts-expect-error the input of the other class
    if (month === 4) return ctx.continueAsNew(WaitingWorkflow, month);
    // @ts-expect-error it has none
    if (month === 5) return ctx.continueAsNew(BareWorkflow, month);
    // @ts-expect-error an activity is no workflow
    if (month === 6) return ctx.continueAsNew(Counting, 'text');
    // @ts-expect-error a class is no input
    if (month === 7) return ctx.continueAsNew(Counting);
    is<Equal<typeof ctx.info.parent, RunLink | null>>();
    is<Equal<typeof ctx.info.root, RunLink>>();
    is<Equal<typeof ctx.info.attributes, Attributes>>();
    // @ts-expect-error it tells, and is not set
    ctx.info.version = 2;
    return 'over';
  }
}

// -------------------------------------------------------------------------------- updates and attributes
export async function asking(
  handle: WorkflowHandle<WaitingWorkflow>,
  client: WorkflowClient,
  ctx: WorkflowContext,
): Promise<void> {
  const before = await handle.update('reset', 5);
  is<Equal<typeof before, number>>();
  // @ts-expect-error its payload is a number
  await handle.update('reset', 'five');
  // @ts-expect-error a free-standing signal is no update
  await handle.update(Approved, { by: 'ann' });
  await client.start(BareWorkflow, undefined, { attributes: { stage: 'paid', tags: ['a'] } });
  // @ts-expect-error a date is no plain JSON
  await client.start(BareWorkflow, undefined, { attributes: { at: new Date() } });
  ctx.setDetails('half of it');
  // @ts-expect-error an object of them
  ctx.setAttributes('stage');
  // @ts-expect-error a big number is no plain JSON
  ctx.setAttributes({ total: 5n });
}
