import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Server } from 'node:http';
import { inspect } from 'node:util';
import { Body, Controller, Get, Inject, Injectable, Param, Post } from '@nestjs/common';
import type { INestApplication } from '@nestjs/common';
import {
  Activity,
  defineSignal,
  OnQuery,
  OnSignal,
  Workflow,
  WorkflowClient,
  WorkflowContext,
} from 'nestjs-continuum';
import type { ContinuumModuleOptions } from 'nestjs-continuum';
import request from 'supertest';
import { DataSource } from 'typeorm';
import { z } from 'zod';
import { PostgresProxy } from '../support/postgres-proxy.js';
import { closeApps, compileApp } from './support/app.js';
import { PostgresBackend } from './support/backend.js';

// What reaches a client over HTTP when nobody catches anything: Nest's own exception filter answers.

const SECRET = 'the card gateway at 10.0.0.7 is away';

@Injectable()
class Payments {
  @Activity({ retry: { maxAttempts: 1 } }) async pay(): Promise<string> {
    throw new Error(SECRET);
  }
}

/** What the code does: another deploy would change it. */
let deployed: 'as recorded' | 'changed' = 'as recorded';

const ORDER = z.object({ id: z.string(), note: z.string().optional(), pays: z.boolean().optional() });

@Workflow({ name: 'order', input: ORDER })
class OrderWorkflow {
  constructor(private readonly payments: Payments) {}
  @OnSignal() approve(): void {}
  @OnQuery() status(): string {
    return 'open';
  }
  async run(ctx: WorkflowContext, { pays }: z.infer<typeof ORDER>): Promise<void> {
    if (pays) await this.payments.pay();
    if (deployed === 'as recorded') await ctx.sleep(1);
    else await ctx.condition(() => false);
  }
}

const hurry = defineSignal('hurry', z.object({ by: z.string() }));

@Controller('orders')
class Orders {
  constructor(
    @Inject(WorkflowClient) private readonly client: WorkflowClient,
    @Inject('dataSource') private readonly dataSource: DataSource,
  ) {}

  @Post() async create(@Body() order: { readonly id: string }): Promise<string> {
    return (await this.client.start(OrderWorkflow, order, { id: order.id })).workflowId;
  }
  @Post('in-transaction') async inTransaction(@Body() { id }: { readonly id: string }): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await manager.query("set local lock_timeout = '10ms'");
      await this.client.start(OrderWorkflow, { id }, { id, manager });
    });
  }
  @Post('elsewhere') async elsewhere(): Promise<void> {
    await this.client.start('elsewhere');
  }
  @Get() async list(): Promise<number> {
    const { runs } = await this.client.list();
    return runs.length;
  }
  @Get('page/:cursor') async page(@Param('cursor') cursor: string): Promise<unknown> {
    return this.client.list({ cursor });
  }
  @Get('of/:customer') async of(@Param('customer') customer: string): Promise<unknown> {
    return this.client.list({ where: { attributes: { customer: customer.replace('NUL', '\u0000') } } });
  }
  @Get(':id/result') async result(@Param('id') id: string): Promise<unknown> {
    return this.client.handle(id).result();
  }
  @Get(':id/impatient') async impatient(@Param('id') id: string): Promise<unknown> {
    return this.client.handle(id).result({ timeout: 1 });
  }
  @Get(':id/queries/:query') async query(
    @Param('id') id: string,
    @Param('query') query: string,
  ): Promise<unknown> {
    return this.client.handle(id).query(query);
  }
  @Post(':id/signals/:signal') async signal(
    @Param('id') id: string,
    @Param('signal') signal: string,
    @Body() payload: unknown,
  ): Promise<void> {
    await (signal === 'hurry'
      ? this.client.handle(id).signal(hurry, payload as { readonly by: string })
      : this.client.handle(OrderWorkflow, id).signal(signal as 'approve'));
  }
}

const backend = new PostgresBackend();
let options: ContinuumModuleOptions & { readonly schema: string };
let dataSource: DataSource;
let http: INestApplication<Server> | undefined;
let logged: string[] = [];

beforeEach(async () => {
  deployed = 'as recorded';
  logged = [];
  options = await backend.fresh();
  const { url } = options.connection as { readonly url: string };
  dataSource = await new DataSource({ type: 'postgres', url, poolSize: 4 }).initialize();
});
afterEach(async () => {
  await http?.close();
  http = undefined;
  await closeApps();
  await dataSource.destroy();
});
afterAll(() => backend.clear());

async function serve(continuum: ContinuumModuleOptions = options): Promise<WorkflowClient> {
  const { app, client } = await compileApp({
    continuum: { maxPayloadBytes: 2_048, ...continuum },
    controllers: [Orders],
    providers: [OrderWorkflow, Payments, { provide: 'dataSource', useValue: dataSource }],
  });
  http = app.createNestApplication<INestApplication<Server>>();
  const ignore = (): void => undefined;
  // As Nest's own logger shows what it is given.
  const error = (...parts: unknown[]): void => void logged.push(parts.map((part) => inspect(part)).join(' '));
  http.useLogger({ log: ignore, warn: ignore, debug: ignore, verbose: ignore, error, fatal: error });
  await http.listen(0, '127.0.0.1');
  return client;
}

type Answer = readonly [status: number, message: string];
const get = async (path: string): Promise<Answer> => answerOf(await request(served()).get(`/orders${path}`));
const post = async (path: string, body: object = {}): Promise<Answer> =>
  answerOf(await request(served()).post(`/orders${path}`).send(body));
function answerOf({ status, body }: { readonly status: number; readonly body: unknown }): Answer {
  const { message } = body as { readonly message: string };
  expect(body).toEqual({ statusCode: status, message });
  return [status, message];
}
const served = (): Server => http!.getHttpServer();

describe('over HTTP', () => {
  it('a journal that cannot be reached is a 503, and the log tells where it is and what it said', async () => {
    const proxy = await PostgresProxy.inFrontOf((options.connection as { readonly url: string }).url);
    await serve({ ...options, connection: proxy.connection, worker: false });
    expect((await request(served()).get('/orders')).status).toBe(200);
    await proxy.close();
    const told: Answer = [503, 'Workflows are not available at present. Try again later.'];
    expect(await get('')).toEqual(told);
    expect(await post('', { id: 'a' })).toEqual(told);
    expect(await post('/a/signals/approve')).toEqual(told);
    const ofRequests = logged.filter((line) => line.includes('ExceptionsHandler'));
    expect(ofRequests).toHaveLength(3);
    for (const line of ofRequests) {
      expect(line).toMatch(/JournalUnavailableError: .*detail: 'Postgres \(127\.0\.0\.1:/s);
      expect(line).toMatch(/ECONNREFUSED|terminated|ECONNRESET/);
    }
  });

  it("an id that somebody's open transaction holds for too long is a 503, and the log tells why", async () => {
    const client = await serve();
    const runner = dataSource.createQueryRunner();
    await runner.startTransaction();
    await client.start(OrderWorkflow, { id: 'held' }, { id: 'held', manager: runner.manager });
    expect(await post('/in-transaction', { id: 'held' })).toEqual([
      503,
      'The workflow is busy at present. Nothing was done: try again.',
    ]);
    await runner.rollbackTransaction();
    await runner.release();
    expect(logged.join()).toMatch(/ContentionError: .*detail: 'Rows are locked by somebody else/s);
  });

  it('a query of a run that has ended, and whose code has changed since, is a 503', async () => {
    const client = await serve();
    await client.execute(OrderWorkflow, { id: 'drifted' }, { id: 'drifted' });
    deployed = 'changed';
    expect(await get('/drifted/queries/status')).toEqual([
      503,
      'The workflow "drifted" is blocked, and answers no queries.',
    ]);
    expect(logged.join()).toContain('NonDeterminismError');
  });

  it('what a client asks for wrongly is told in its own terms', async () => {
    const client = await serve();
    await client.execute(OrderWorkflow, { id: 'done' }, { id: 'done' });
    await client.start(
      OrderWorkflow,
      { id: 'later' },
      { id: 'later', startAt: new Date(Date.now() + 60_000) },
    );
    const told: Record<string, Answer> = {
      input: await post('', { id: 'new', pays: 7 }),
      large: await post('', { id: 'new', note: 'x'.repeat(3_000) }),
      again: await post('', { id: 'later' }),
      nobody: await post('/nobody/signals/approve'),
      ended: await post('/done/signals/approve'),
      payload: await post('/later/signals/hurry', { by: 7 }),
      signal: await post('/later/signals/refund'),
      query: await get('/done/queries/refunds'),
      early: await get('/later/queries/status'),
      late: await get('/later/impatient'),
      page: await get('/page/2'),
      customer: await get('/of/NUL'),
    };
    expect(told).toEqual({
      input: [400, 'The input of order is not valid: pays: Invalid input: expected boolean, received number'],
      large: [413, 'A payload may have 2048 bytes, but this one has 3022.'],
      again: [409, 'A workflow "later" is running.'],
      nobody: [404, 'There is no workflow "nobody".'],
      ended: [409, 'The workflow "done" has ended or is rolling back: it takes no signal "approve".'],
      payload: [400, expect.stringMatching(/^The payload of the signal "hurry" is not valid: by: /)],
      signal: [400, 'The workflow order has no signal "refund".'],
      query: [400, 'The workflow order has no query "refunds".'],
      early: [409, 'The workflow cannot answer "status" yet: it has not begun. Ask again later.'],
      late: [504, 'The workflow "later" had no result after 1 ms. It goes on; ask again later.'],
      page: [
        400,
        expect.stringMatching(/^The query of a list is not valid: A cursor is what an earlier page gave/),
      ],
      customer: [
        400,
        'The query of a list is not valid: Attributes are plain JSON; of a filter, attributes.customer has \\u0000 or half of a surrogate pair. Leave it out or convert it.',
      ],
    });
    // It is found out before the database would say it in its own words.
    expect(logged.join()).not.toContain('Postgres refused a row');
  });

  it('what is wrong with the application is a bare 500', async () => {
    await serve();
    expect(await post('/elsewhere')).toEqual([500, 'Internal server error']);
    expect(logged.join()).toContain('This process knows no workflow');
  });

  it('a run that has failed is a 422, and only the log tells why', async () => {
    const client = await serve();
    const { workflowId } = await client.start(OrderWorkflow, { id: 'unpaid', pays: true }, { id: 'unpaid' });
    expect(await get(`/${workflowId}/result`)).toEqual([422, 'The workflow "unpaid" failed.']);
    expect(logged.join()).toContain(SECRET);
  });
});
