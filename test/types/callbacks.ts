// What the compiler says about callbacks: who opens them, and who settles them.
import type { Callback, CallbackHandle, Settled, WorkflowClient, WorkflowContext } from 'nestjs-continuum';
import { z } from 'zod';
import type { Equal } from './support.js';
import { is } from './support.js';

interface Payment {
  readonly receipt: string;
}
const Sum = z.object({ cents: z.string().transform(Number) });

export async function opens(ctx: WorkflowContext, timeout?: '1m'): Promise<void> {
  const paid = ctx.callback<Payment>({ key: 'paid' });
  is<Equal<typeof paid, Callback<Payment>>>();
  is<Equal<typeof paid.token, string>>();
  is<Equal<Awaited<typeof paid.result>, Payment>>();
  const untyped = ctx.callback();
  is<Equal<Awaited<typeof untyped.result>, unknown>>();

  // What may run out may come to nothing.
  const inTime = ctx.callback<Payment>({ timeout: '3 days' });
  is<Equal<Awaited<typeof inTime.result>, Payment | undefined>>();
  const perhaps = ctx.callback<Payment>({ timeout });
  is<Equal<Awaited<typeof perhaps.result>, Payment | undefined>>();
  // @ts-expect-error nobody may have paid in time
  (await inTime.result).receipt.trim();

  const checked = ctx.callback({ schema: Sum });
  is<Equal<Awaited<typeof checked.result>, { cents: number }>>();
  const checkedInTime = ctx.callback({ schema: Sum, timeout: 5 });
  is<Equal<Awaited<typeof checkedInTime.result>, { cents: number } | undefined>>();

  // @ts-expect-error a key is a text
  ctx.callback({ key: 5 });
  // @ts-expect-error no unit
  ctx.callback({ timeout: '5' });
  // @ts-expect-error there is no such option
  ctx.callback({ name: 'paid' });
  // @ts-expect-error a token is given, not chosen
  paid.token = 'mine';
  // @ts-expect-error the callback is no promise: its result is
  is<Equal<Awaited<typeof paid>, Payment>>();
}

export async function settles(client: WorkflowClient): Promise<void> {
  const paid = client.callback<Payment>('payment-17');
  is<Equal<typeof paid, CallbackHandle<Payment>>>();
  const answer = await paid.complete({ receipt: 'r' }, { dedupeId: 'a' });
  is<Equal<typeof answer, Settled>>();
  await paid.fail(new Error('no cover'), { dedupeId: 'a' });
  // @ts-expect-error there is no such payment
  await paid.complete({ reciept: 'r' });
  // @ts-expect-error its value is missing
  await paid.complete();
  // @ts-expect-error why it failed is missing
  await paid.fail();
  // @ts-expect-error there is no such option
  await paid.complete({ receipt: 'r' }, { id: 'a' });

  const untyped = client.callback('payment-17');
  await untyped.complete();
  await untyped.complete({ anything: 1 });
  const nothing = client.callback<void>('payment-17');
  await nothing.complete();
  await nothing.complete(undefined, { dedupeId: 'a' });
  // @ts-expect-error it is completed with nothing
  await nothing.complete(1);

  // Who completes it gives what the schema takes.
  await client.callback('payment-17', { schema: Sum }).complete({ cents: '12' });
  // @ts-expect-error the schema takes a text
  await client.callback('payment-17', { schema: Sum }).complete({ cents: 12 });
  // @ts-expect-error a callback is found by a text
  client.callback(17);
}
