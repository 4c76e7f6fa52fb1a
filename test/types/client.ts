// What the compiler says about the client and its handles. `npm run typecheck` runs it.
import type { WorkflowClient, WorkflowHandle, WorkflowInput, WorkflowResult } from 'nestjs-continuum';
import type { QueryName, SignalName } from '../../lib/core/index.js';
import type { Order, Receipt } from './activities.js';
import { StockActivities } from './activities.js';
import type { Equal } from './support.js';
import { is } from './support.js';
import {
  Approved,
  CheckedSignals,
  Derived,
  Gen,
  MaybeSince,
  Nightly,
  NoContext,
  Nudge,
  OrderWorkflow,
  Parsed,
  TwoInputs,
} from './workflows.js';

export async function starting(client: WorkflowClient, order: Order): Promise<void> {
  const handle = await client.start(OrderWorkflow, order, { id: 'order-1', onConflict: 'useExisting' });
  is<Equal<typeof handle, WorkflowHandle<OrderWorkflow>>>();
  const receipt = await handle.result();
  is<Equal<typeof receipt, Receipt>>();
  is<Equal<WorkflowInput<OrderWorkflow>, Order>>();
  is<Equal<WorkflowResult<OrderWorkflow>, Receipt>>();
  const text = await client.execute(Derived, 1);
  is<Equal<typeof text, string>>();

  // @ts-expect-error the input is missing
  await client.start(OrderWorkflow);
  // @ts-expect-error the input has another type
  await client.start(OrderWorkflow, { id: 1 });
  // @ts-expect-error not a workflow
  await client.start(StockActivities, {});
  // @ts-expect-error two inputs: the decorator refuses it, and so does the client
  await client.start(TwoInputs, 1);
  // @ts-expect-error an unknown option
  await client.start(OrderWorkflow, order, { ident: 'x' });
  await client.start(OrderWorkflow, order, { executionTimeout: '1 day', runTimeout: 500 });
  // @ts-expect-error no duration
  await client.start(OrderWorkflow, order, { runTimeout: 'soon' });
  await client.start(OrderWorkflow, order, { id: 'x', debounce: { period: '1 minute', longest: 5_000 } });
  // @ts-expect-error without an id there is nothing whose place it could take
  await client.start(OrderWorkflow, order, { debounce: { period: '1 minute' } });
  // @ts-expect-error when it begins follows from it
  await client.start(OrderWorkflow, order, { id: 'x', debounce: { period: 5 }, startDelay: 5 });
  // @ts-expect-error when it begins follows from it
  await client.start(OrderWorkflow, order, { id: 'x', debounce: { period: 5 }, startAt: new Date() });
  // @ts-expect-error how long it is held back is missing
  await client.start(OrderWorkflow, order, { id: 'x', debounce: { longest: 5 } });
  await client.start(Nightly);
  await client.start(Nightly, undefined, { id: 'nightly' });
  // @ts-expect-error options are the third argument
  await client.start(Nightly, { id: 'nightly' });
  await client.start(MaybeSince);
  await client.start(MaybeSince, { since: 'x' });
  await client.start(NoContext);
  await client.start(Gen, 'x');
}

export async function byName(client: WorkflowClient): Promise<void> {
  const named = await client.start<Derived>('Derived', 1, { id: '1' });
  is<Equal<typeof named, WorkflowHandle<Derived>>>();
  // @ts-expect-error its input is a number
  await client.start<Derived>('Derived', 'x');
  const loose = await client.start('whatever', { any: 1 }, { id: '1' });
  await loose.signal('anything', 1);
  const result = await loose.result();
  is<Equal<typeof result, unknown>>();
}

export async function signalling(handle: WorkflowHandle<OrderWorkflow>): Promise<void> {
  is<Equal<SignalName<OrderWorkflow>, 'approve' | 'nudge' | 'badSilent' | 'badPair'>>();
  is<Equal<SignalName<Derived>, 'stop'>>();
  is<Equal<SignalName<CheckedSignals>, 'by' | 'nothing' | 'anything' | 'byNumber' | 'at'>>();
  await handle.signal('approve', 'ann', { dedupeId: 'once' });
  await handle.signal('nudge');
  await handle.signal('nudge', undefined, { dedupeId: 'once' });
  await handle.signal(Approved, { by: 'ann' });
  await handle.signal(Approved, { by: 'ann' }, { dedupeId: 'once' });
  await handle.signal(Nudge);
  await handle.signal(Parsed, { at: '2026-01-01' });
  // @ts-expect-error the payload has another type
  await handle.signal('approve', 5);
  // @ts-expect-error no such signal
  await handle.signal('aprove', 'ann');
  // @ts-expect-error a query, not a signal
  await handle.signal('status');
  // @ts-expect-error run is no signal
  await handle.signal('run');
  // @ts-expect-error the payload is missing
  await handle.signal('approve');
  // @ts-expect-error the payload has another type
  await handle.signal(Approved, { at: 1 });
  // @ts-expect-error the sender gives what the schema takes, not what it yields
  await handle.signal(Parsed, { at: new Date() });
}

export async function querying(handle: WorkflowHandle<OrderWorkflow>): Promise<void> {
  is<Equal<QueryName<OrderWorkflow>, 'status' | 'line' | 'badAnswer'>>();
  const status = await handle.query('status');
  is<Equal<typeof status, 'approved' | 'waiting'>>();
  const line = await handle.query('line', 1);
  is<Equal<typeof line, string>>();
  // @ts-expect-error the argument is missing
  await handle.query('line');
  // @ts-expect-error a signal, not a query
  await handle.query('approve');
}

export async function handles(client: WorkflowClient, handle: WorkflowHandle<OrderWorkflow>): Promise<void> {
  const typed = client.handle(OrderWorkflow, 'order-1');
  is<Equal<typeof typed, WorkflowHandle<OrderWorkflow>>>();
  const loose = client.handle('order-1');
  await loose.signal('anything', { at: 1 }, { dedupeId: 'x' });
  const answer = await loose.query('anything', 1, 2);
  is<Equal<typeof answer, unknown>>();
  // A typed handle passes where any handle is asked for.
  const list: WorkflowHandle[] = [handle, loose, client.handle(Derived, '1')];
  void list;
}

export async function listing(client: WorkflowClient): Promise<void> {
  const attributes = { stage: { in: ['paid', 1] }, total: { gt: 1, lte: 5 }, tags: ['a'], at: { lt: 'b' } };
  await client.list({ where: { attributes } });
  await client.count({ attributes: { plan: 'gold', gone: undefined, address: { city: 'Ulm' } } });
  // @ts-expect-error a date has no order of its own: toISOString() has
  await client.list({ where: { attributes: { at: { gt: new Date() } } } });
  // @ts-expect-error no attribute is a date
  await client.count({ attributes: { at: new Date() } });
}
