import type { Server } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import type { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { WorkflowClient } from 'nestjs-continuum';
import request from 'supertest';
import type { Test as HttpTest } from 'supertest';
import { AppModule } from '../../../sample/01-orders/src/app.module.js';
import type { OrderDetails, OrderStatus } from '../../../sample/01-orders/src/orders/order-view.js';
import { PaymentGateway } from '../../../sample/01-orders/src/payments/payment-gateway.js';
import { Settings } from '../../../sample/01-orders/src/settings.js';
import { createDatabase } from '../../support/database.js';

export interface OrderBody {
  readonly id: string;
  readonly customer: string;
  readonly items: readonly { readonly sku: string; readonly quantity: number; readonly price: number }[];
}

/** Sample 01 in this process, on a database of its own, asked over HTTP. */
export class Shop {
  static async open(): Promise<Shop> {
    const database = await createDatabase();
    const settings = new Settings();
    settings.databaseUrl = database.url;
    settings.gatewayFailures = 0;
    const module = await Test.createTestingModule({ imports: [AppModule] })
      .overrideProvider(Settings)
      .useValue(settings)
      .compile();
    const app = module.createNestApplication<INestApplication<Server>>({ logger: ['error', 'fatal'] });
    await app.listen(0);
    return new Shop(app, settings, database.drop);
  }

  readonly gateway: PaymentGateway;
  readonly #app: INestApplication<Server>;
  readonly #drop: () => Promise<void>;

  private constructor(
    app: INestApplication<Server>,
    /** Read at each use: specs change them. */
    readonly settings: Settings,
    drop: () => Promise<void>,
  ) {
    this.#app = app;
    this.#drop = drop;
    this.gateway = app.get(PaymentGateway, { strict: false });
  }

  async close(): Promise<void> {
    await this.#app.close();
    await this.#drop();
  }

  get(path: string): HttpTest {
    return request(this.#app.getHttpServer()).get(path);
  }
  post(path: string, body?: string | object): HttpTest {
    return request(this.#app.getHttpServer()).post(path).send(body);
  }

  async place(order: OrderBody): Promise<void> {
    await this.post('/orders', order).expect(202, { workflowId: `order-${order.id}` });
  }

  async order(id: string): Promise<OrderDetails> {
    const { body } = await this.get(`/orders/${id}`).expect(200);
    return body as OrderDetails;
  }

  /** The order, once it has ended. */
  async ended(id: string): Promise<OrderDetails> {
    const handle = this.#app.get(WorkflowClient, { strict: false }).handle(`order-${id}`);
    // How it ended is for HTTP to say.
    await handle.result({ timeout: '20s' }).catch(() => undefined);
    return this.order(id);
  }

  async untilStatus(id: string, status: OrderStatus): Promise<void> {
    while ((await this.order(id)).status !== status) await pause(10);
  }

  async stock(): Promise<Readonly<Record<string, number>>> {
    const { body } = await this.get('/stock').expect(200);
    const items = body as readonly { sku: string; available: number }[];
    return Object.fromEntries(items.map(({ sku, available }) => [sku, available]));
  }

  /** What moved for an order, oldest first: a charge above zero, a refund below. */
  async moved(id: string): Promise<readonly number[]> {
    const { body } = await this.get(`/ledger?order=${id}`).expect(200);
    const entries = body as readonly { kind: 'charge' | 'refund'; cents: number }[];
    return entries.toReversed().map(({ kind, cents }) => (kind === 'charge' ? cents : -cents));
  }
}
