import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Activity,
  CallbackAlreadyOpenError,
  CallbackFailure,
  CallbackNotFoundError,
  CallbackNotPendingError,
  InvalidInputError,
  Workflow,
  WorkflowContext,
  WorkflowFailure,
} from 'nestjs-continuum';
import type { CallbackOptions } from 'nestjs-continuum';
import { z } from 'zod';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught, uniqueId, until } from '../support/helpers.js';

interface Payment {
  readonly amount: number;
  readonly at?: Date;
}
const PaymentSchema = z.object({ amount: z.coerce.number().positive() });

/** A payment provider that calls back later: it keeps the tokens it was given. */
@Injectable()
export class Provider {
  readonly tokens: string[] = [];
  readonly refunds: unknown[] = [];

  @Activity()
  async begin(token: string): Promise<void> {
    this.tokens.push(token);
  }
  @Activity()
  async refund(payment: unknown): Promise<void> {
    this.refunds.push(payment);
  }
}

@Workflow()
export class PaidOrder {
  constructor(private readonly provider: Provider) {}

  async run(ctx: WorkflowContext, options: CallbackOptions): Promise<Payment | string> {
    const paid = ctx.callback<Payment>(options);
    await this.provider.begin(paid.token);
    try {
      return (await paid.result) ?? 'nothing';
    } catch (error) {
      if (!(error instanceof CallbackFailure)) throw error;
      const { message } = error.cause as Error;
      return `${error.message} (${message})`;
    }
  }
}

@Workflow()
export class CheckedOrder {
  async run(ctx: WorkflowContext, key: string): Promise<unknown> {
    const paid = ctx.callback({ key, schema: PaymentSchema });
    const failed = (error: unknown): string =>
      error instanceof CallbackFailure && error.cause instanceof InvalidInputError ? error.message : 'other';
    return await paid.result.then(({ amount }) => amount, failed);
  }
}

@Workflow()
export class KeyedOrder {
  async run(ctx: WorkflowContext, { key, count }: { key: string; count: number }): Promise<number> {
    const paid = ctx.callback<Payment>({ key });
    const { amount } = await paid.result;
    if (count === 0) throw new WorkflowFailure('enough');
    return count === 1 ? amount : ctx.continueAsNew({ key, count: count - 1 });
  }
}

/** Both branches are callbacks; the one that loses is withdrawn. */
@Workflow()
export class FirstOfTwo {
  async run(ctx: WorkflowContext, keys: readonly [string, string]): Promise<unknown> {
    return ctx.race({
      one: () => ctx.callback<number>({ key: keys[0] }).result,
      two: () => ctx.callback<number>({ key: keys[1] }).result,
    });
  }
}

/** A workflow that waits for the world outside, by tokens and by keys. */
export function describeCallbacks(backend: Backend, residency: Residency): void {
  describe(`callbacks on ${backend.name}, ${residency}`, () => {
    afterEach(closeApps);
    afterAll(() => backend.clear());
    const opened = async (): Promise<App & { readonly provider: Provider }> => {
      const app = await openApp({
        continuum: await backend.fresh(),
        residency,
        providers: [Provider, PaidOrder, CheckedOrder, KeyedOrder, FirstOfTwo],
      });
      await app.events.until('worker started');
      return { ...app, provider: app.app.get(Provider) };
    };
    /** Once it is committed. */
    const waits = async ({ client }: App, workflowId: string): Promise<void> => {
      await until(async () => (await client.describe(workflowId)).waitingFor.some(isCallback));
    };
    const isCallback = ({ kind }: { readonly kind: string }): boolean => kind === 'callback';

    it('are completed by the token that was given away, and once', async () => {
      const { client, provider } = await opened();
      const handle = await client.start(PaidOrder, {});
      await until(() => provider.tokens.length > 0);
      const [token = ''] = provider.tokens;
      expect(token).toMatch(/^[\w-]+$/);
      const at = new Date(5);
      expect(await client.callback<Payment>(token).complete({ amount: 12, at })).toBe('applied');
      expect(await handle.result()).toEqual({ amount: 12, at });
      expect(await client.callback(token).complete({ amount: 13 })).toBe('unchanged');
      expect(await client.callback(token).fail(new Error('late'))).toBe('unchanged');
    });

    it('are completed by their key, before anything is there to know the workflow id', async () => {
      const app = await opened();
      const key = `payment-${uniqueId()}`;
      expect(await caught(app.client.callback(key).complete(1))).toBeInstanceOf(CallbackNotFoundError);
      const handle = await app.client.start(PaidOrder, { key });
      await waits(app, handle.workflowId);
      const { waitingFor } = await handle.describe();
      expect(waitingFor.filter(isCallback)).toMatchObject([
        { text: `It waits for the callback "${key}".`, until: null, id: 0 },
      ]);
      expect(await app.client.callback(key).fail(new RangeError('no cover'), { dedupeId: 'a' })).toBe(
        'applied',
      );
      expect(await handle.result()).toBe(`The callback "${key}" failed: no cover (no cover)`);
      expect(await app.client.callback(key).fail('again', { dedupeId: 'a' })).toBe('unchanged');
    });

    it('are over when their time runs out', async () => {
      const { client, provider } = await opened();
      const key = uniqueId();
      const handle = await client.start(PaidOrder, { key, timeout: 20 });
      expect(await handle.result()).toBe('nothing');
      const late = [client.callback(key), client.callback(provider.tokens[0]!)];
      for (const callback of late)
        expect(await caught(callback.complete(1))).toBeInstanceOf(CallbackNotPendingError);
    });

    it('whose key is taken reject, and the first one waits on', async () => {
      const app = await opened();
      const key = uniqueId();
      const first = await app.client.start(PaidOrder, { key });
      await waits(app, first.workflowId);
      const error = await caught((await app.client.start(PaidOrder, { key })).result());
      expect(error).toMatchObject({ cause: expect.any(CallbackAlreadyOpenError) });
      await app.client.callback(key).complete({ amount: 1 });
      expect(await first.result()).toEqual({ amount: 1 });
    });

    it('are checked by their schema, by whoever knows it first', async () => {
      const app = await opened();
      const [known, unknown, wrong] = [uniqueId(), uniqueId(), uniqueId()];
      const [byClient, byWorker, refused] = await Promise.all(
        [known, unknown, wrong].map((key) => app.client.start(CheckedOrder, key)),
      );
      await Promise.all([byClient, byWorker, refused].map((handle) => waits(app, handle!.workflowId)));
      const callback = app.client.callback(known, { schema: PaymentSchema });
      // The compiler would refuse it, if it could know: it is text until it is looked at.
      expect(await caught(callback.complete({ amount: 'much' }))).toBeInstanceOf(InvalidInputError);
      expect(await callback.complete({ amount: '12' })).toBe('applied');
      await app.client.callback(unknown).complete({ amount: '13' });
      await app.client.callback(wrong).complete({ amount: -1 });
      expect(await Promise.all([byClient!.result(), byWorker!.result()])).toEqual([12, 13]);
      expect(await refused!.result()).toMatch(
        /^The callback ".*" failed: The completion of a callback is not valid/,
      );
    });

    it('end with their run, and one with the same key is another one', async () => {
      const app = await opened();
      const key = uniqueId();
      const handle = await app.client.start(KeyedOrder, { key, count: 3 });
      for (const dedupeId of ['a', 'b', 'c']) {
        await until(
          async () =>
            (await app.client
              .callback(key)
              .complete({ amount: 7 }, { dedupeId })
              .catch(() => '')) === 'applied',
        );
        // Sent again, it is not taken for the next one.
        expect(await app.client.callback(key).complete({ amount: 8 }, { dedupeId })).toBe('unchanged');
      }
      expect(await handle.result()).toBe(7);
      const open = await app.client.start(KeyedOrder, { key, count: 1 });
      await waits(app, open.workflowId);
      await open.terminate();
      const cancelled = await app.client.start(KeyedOrder, { key, count: 1 });
      await waits(app, cancelled.workflowId);
      await cancelled.cancel();
      await caught(cancelled.result());
      expect(await caught(app.client.callback(key).complete(1))).toBeInstanceOf(CallbackNotPendingError);
    });

    it('tell in the history, and among the operations, who settled them', async () => {
      const { client, provider, ...app } = await opened();
      const handle = await client.start(PaidOrder, {});
      await until(() => provider.tokens.length > 0);
      const callback = client.callback<Payment>(provider.tokens[0]!);
      const ann = { actor: { name: 'ann' } };
      await callback.complete({ amount: 1 }, ann);
      await handle.result();
      await callback.fail(new Error('late'), { actor: { name: 'bob' } });
      const entries = (await handle.history()).map(({ entry }) => entry);
      expect(entries.find(({ type }) => type === 'callback_completed')).toMatchObject({ by: 'ann' });
      const late = await client.start(PaidOrder, { key: uniqueId() });
      await waits({ client, ...app }, late.workflowId);
      await late.terminate();
      await caught(client.callback(provider.tokens.at(-1)!).complete(1, ann));
      const told = async (workflowId: string): Promise<unknown> =>
        (await client.handle(workflowId).operations()).operations.map(({ verb, by, outcome }) => [
          verb,
          by,
          outcome,
        ]);
      expect(await told(handle.workflowId)).toEqual([
        ['fail', 'bob', 'unchanged'],
        ['complete', 'ann', 'applied'],
      ]);
      expect(await told(late.workflowId)).toEqual([['complete', 'ann', 'refused']]);
    });

    it('are withdrawn with the branch that has lost', async () => {
      const app = await opened();
      const keys = [uniqueId(), uniqueId()] as const;
      const handle = await app.client.start(FirstOfTwo, keys);
      await waits(app, handle.workflowId);
      await app.client.callback<number>(keys[1]).complete(5);
      expect(await handle.result()).toEqual({ key: 'two', value: 5 });
      expect(await caught(app.client.callback(keys[0]).complete(1))).toBeInstanceOf(CallbackNotPendingError);
    });

    it('a token that is damaged is refused at once, as is what can be no key', async () => {
      const { client, provider } = await opened();
      await client.start(PaidOrder, {});
      await until(() => provider.tokens.length > 0);
      const token = provider.tokens[0]!;
      for (const wrong of [token.slice(0, -9), `${token}x`, '', 'k'.repeat(256)])
        expect(() => client.callback(wrong)).toThrow(InvalidInputError);
    });
  });
}
