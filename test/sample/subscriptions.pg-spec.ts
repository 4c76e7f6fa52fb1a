import type { Server } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { WorkflowClient, WorkflowNotRunningError } from 'nestjs-continuum';
import request from 'supertest';
import { AccountWorkflow } from '../../sample/02-subscriptions/src/accounts/account.workflow.js';
import { AppModule } from '../../sample/02-subscriptions/src/app.module.js';
import { readSettings, Settings } from '../../sample/02-subscriptions/src/settings.js';
import { SubscriptionWorkflowV1 } from '../../sample/02-subscriptions/src/subscriptions/subscription-v1.workflow.js';
import { SubscriptionWorkflow } from '../../sample/02-subscriptions/src/subscriptions/subscription.workflow.js';
import { createDatabase } from '../support/database.js';
import type { TestDatabase } from '../support/database.js';

/** Sample 02, in which months are short. */
describe('a subscription', () => {
  const settings = new Settings();
  let database: TestDatabase;
  let app: INestApplication<Server>;
  let client: WorkflowClient;
  beforeAll(async () => {
    database = await createDatabase();
    Object.assign(settings, { databaseUrl: database.url, monthLength: 300, dunningTime: 60_000 });
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(Settings)
      .useValue(settings)
      .compile();
    app = module.createNestApplication<INestApplication<Server>>({ logger: ['fatal'] });
    await app.listen(0);
    client = app.get(WorkflowClient);
  });
  afterAll(async () => {
    await app?.close();
    await database?.drop();
  });

  const subscribe = async (customer: string, plan: string): Promise<void> => {
    await request(app.getHttpServer()).post('/subscriptions').send({ customer, plan }).expect(202);
  };
  const get = async (path: string): Promise<unknown> =>
    (await request(app.getHttpServer()).get(path).expect(200)).body as unknown;
  const until = async (holds: () => Promise<boolean>): Promise<void> => {
    while (!(await holds())) await pause(20);
  };
  const monthOf = async (customer: string): Promise<number> =>
    ((await get(`/subscriptions/${customer}`)) as { month: number }).month;

  it('is billed every month, each in a run of its own, until it is ended', async () => {
    await subscribe('ann', 'basic');
    await until(async () => (await monthOf('ann')) >= 3);
    await request(app.getHttpServer()).post('/subscriptions/ann/end').expect(202);
    const end = await client.handle(SubscriptionWorkflow, 'subscription-ann').result();
    expect(end).toMatchObject({ why: 'cancelled' });
    const runs = await client.list({ where: { id: 'subscription-ann' }, limit: 100 });
    expect(runs.runs.map(({ state }) => state)).toEqual([
      'completed',
      ...Array.from({ length: end.months - 1 }, () => 'continued'),
    ]);
    for (let month = 1; month <= end.months; month++)
      expect((await client.describe(`invoice-ann-${month}`)).state).toBe('completed');
    // Every month it has told the account, once.
    await until(async () => ((await get('/accounts/ann')) as { paid: number }).paid >= 900 * end.months);
    expect(await get('/accounts/ann')).toEqual({ customer: 'ann', paid: 900 * end.months, open: true });
  });

  it('changes its plan from the next month on, and refuses a change that is none', async () => {
    await subscribe('bob', 'basic');
    const change = (plan: string) =>
      request(app.getHttpServer()).post('/subscriptions/bob/plan').send({ plan });
    expect((await change('pro').expect(200)).body).toEqual({ cents: 2_900 });
    const refused = (await change('pro').expect(422)).body as { message: string };
    expect(refused.message).toContain('The plan is "pro" already.');
    await change('gold').expect(400);
    await until(async () => {
      const { runs } = await client.list({
        where: { workflow: SubscriptionWorkflow, attributes: { customer: 'bob', plan: 'pro' } },
      });
      return runs.length > 0;
    });
    await request(app.getHttpServer()).post('/subscriptions/bob/end').expect(202);
    await client.handle(SubscriptionWorkflow, 'subscription-bob').result();
  });

  it('goes on when an invoice whose card was refused is paid by hand', async () => {
    await subscribe('broke-cid', 'basic');
    await until(async () => (await client.count({ id: 'dunning-broke-cid-1' })) === 1);
    await request(app.getHttpServer()).post('/invoices/broke-cid-1/pay').expect(202);
    await until(async () => (await client.describe('invoice-broke-cid-1')).state === 'completed');
    await request(app.getHttpServer()).post('/subscriptions/broke-cid/end').expect(202);
    // The next month may have begun, whose card is refused again.
    const ended = client.handle(SubscriptionWorkflow, 'subscription-broke-cid').terminate();
    await ended.catch((error: unknown) => expect(error).toBeInstanceOf(WorkflowNotRunningError));
  });

  it('ends when nobody pays, and the invoice is void', async () => {
    settings.dunningTime = 50;
    await subscribe('broke-dan', 'pro');
    settings.dunningTime = 60_000;
    const end = await client.handle(SubscriptionWorkflow, 'subscription-broke-dan').result();
    expect(end).toEqual({ months: 0, why: 'not paid' });
    expect((await client.describe('dunning-broke-dan-1')).state).toBe('timed_out');
    const { state } = await client.describe('invoice-broke-dan-1');
    expect(state).toBe('failed');
    const history = await client.handle('invoice-broke-dan-1').history();
    expect(history.map(({ entry }) => ('name' in entry ? entry.name : entry.type))).toContain(
      'InvoiceActivities.void',
    );
  });

  it('that began with the first version goes on with the second', async () => {
    const input = { customer: 'eve', plan: 'free', month: 1, monthLength: 100, dunningTime: 1_000 } as const;
    const account = { customer: 'eve', paid: 0, open: true };
    await client.start(AccountWorkflow, account, { id: 'account-eve' });
    await client.start(SubscriptionWorkflowV1, input, { id: 'subscription-eve' });
    await until(async () => (await client.describe('subscription-eve')).version === 2);
    await request(app.getHttpServer()).post('/subscriptions/eve/end').expect(202);
    expect(await client.handle(SubscriptionWorkflow, 'subscription-eve').result()).toMatchObject({
      why: 'cancelled',
    });
  });
});

describe('the settings of sample 02', () => {
  it('come from the environment', () => {
    const env = { DATABASE_URL: 'postgres://db', PORT: '0', MONTH: '1s', DUNNING: '2s' };
    expect(readSettings(env)).toEqual({
      databaseUrl: 'postgres://db',
      port: 0,
      monthLength: 1_000,
      dunningTime: 2_000,
    });
    expect(() => readSettings({})).toThrow('DATABASE_URL');
  });
});
