import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { ModuleMetadata } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { ContinuumModule, WorkflowClient } from 'nestjs-continuum';
import { Cards, ImportRows, ImportWorkflow } from './examples/activities.js';
import {
  asked as webhooks,
  Desk,
  PaidOrderWorkflow,
  PaymentProvider,
  PaymentsController,
} from './examples/callbacks.js';
import {
  AccountWorkflow,
  ChargeWorkflow,
  FirstChargeWorkflow,
  CreditInvoice,
  credited,
  DunningWorkflow,
  MonthWorkflow,
  Paid,
  ReminderWorkflow,
  SaleWorkflow,
  InvoiceWorkflow as MonthInvoiceWorkflow,
} from './examples/children.js';
import { Carts } from './examples/client.js';
import { Offers, PurchaseWorkflow } from './examples/context.js';
import { InvoiceWorkflow, InvoiceWorkflowV2, PriceCalculator } from './examples/determinism.js';
import { ChargeAllWorkflow, ChargeWhatGoesWorkflow, refunded, Till } from './examples/many-at-once.js';
import { Mails, WelcomeWorkflow } from './examples/first-workflow.js';
import { gateway } from './examples/gateway.js';
import {
  Invoices,
  MeterWorkflow,
  SubscriptionWorkflow,
  Subscriptions,
  Used,
} from './examples/long-running.js';
import { Carriers, Deliveries, DeliveryWorkflow } from './examples/lists.js';
import { OrdersController, OrderWorkflow, Payments } from './examples/readme.js';
import {
  BookFlight,
  diary,
  Hotels,
  ManualTripWorkflow,
  PackageWorkflow,
  stepsKept,
  SendApology,
  TripWorkflow,
  tryAgain,
} from './examples/rollback.js';
import {
  BillingWorkflow,
  Checkout,
  CheckoutWorkflow,
  CheckoutWorkflowV2,
  OfferWorkflow,
  Prices,
} from './examples/versions.js';
import { Reservations, ReservationWorkflow, Seats } from './examples/timeouts.js';
import { asked, CartWorkflow, closed, DeskWorkflow, ImpatientWorkflow } from './examples/signals.js';
import { changePlan, MembershipWorkflow, PriceOf, subscribe } from './examples/updates.js';

const metadata: ModuleMetadata = {
  imports: [ContinuumModule.forRoot({ journal: 'memory' })],
  controllers: [OrdersController, PaymentsController],
  providers: [
    OrderWorkflow,
    Payments,
    WelcomeWorkflow,
    Mails,
    CartWorkflow,
    DeskWorkflow,
    ImpatientWorkflow,
    Carts,
    InvoiceWorkflow,
    InvoiceWorkflowV2,
    PriceCalculator,
    { provide: 'TAX', useValue: 0.19 },
    ImportWorkflow,
    Cards,
    ImportRows,
    TripWorkflow,
    ManualTripWorkflow,
    PackageWorkflow,
    Hotels,
    BookFlight,
    SendApology,
    PurchaseWorkflow,
    Till,
    ChargeAllWorkflow,
    ChargeWhatGoesWorkflow,
    Invoices,
    SubscriptionWorkflow,
    MeterWorkflow,
    Checkout,
    CheckoutWorkflow,
    CheckoutWorkflowV2,
    BillingWorkflow,
    Prices,
    OfferWorkflow,
    Offers,
    Seats,
    Reservations,
    ReservationWorkflow,
    Carriers,
    Deliveries,
    DeliveryWorkflow,
    AccountWorkflow,
    ChargeWorkflow,
    FirstChargeWorkflow,
    MonthWorkflow,
    MonthInvoiceWorkflow,
    SaleWorkflow,
    CreditInvoice,
    DunningWorkflow,
    ReminderWorkflow,
    MembershipWorkflow,
    PriceOf,
    PaymentProvider,
    PaidOrderWorkflow,
    Desk,
  ],
};

let app: TestingModule;
let client: WorkflowClient;
beforeAll(async () => {
  app = await Test.createTestingModule(metadata).compile();
  app.useLogger(false);
  await app.init();
  client = app.get(WorkflowClient);
});
afterAll(() => app?.close());

const soon = { timeout: '10s' } as const;

describe('the examples in the documentation', () => {
  it('README: an order that is approved', async () => {
    await app.get(OrdersController).place({ id: '17', card: 'visa', cents: 100 });
    const order = client.handle(OrderWorkflow, '17');
    await order.signal('approve', 'ann');
    const paymentId = await order.result(soon);
    expect([...gateway.charged.values()]).toContain(paymentId);
    expect(gateway.refunded).not.toContain(paymentId);
  });

  it('client.md: the history of an order', async () => {
    await app.get(OrdersController).place({ id: '20', card: 'visa', cents: 100 });
    const handle = client.handle(OrderWorkflow, '20');
    await handle.signal('approve', 'ann');
    const paymentId = await handle.result(soon);
    const entries = (await handle.history()).map(({ entry }) => entry);
    const done = entries.flatMap((entry) => (entry.type === 'activity_completed' ? [entry.result] : []));
    expect(done).toContain(paymentId);
  });

  it('README: an order that is cancelled', async () => {
    await app.get(OrdersController).place({ id: '18', card: 'visa', cents: 100 });
    const order = client.handle(OrderWorkflow, '18');
    while (!(await order.history()).some(({ entry }) => entry.type === 'timer_started')) continue;
    await order.cancel({ reason: 'changed my mind' });
    await expect(order.result(soon)).rejects.toMatchObject({
      name: 'WorkflowCancelledError',
      rollback: 'complete',
    });
    expect(gateway.refunded.size).toBe(1);
  });

  it('first workflow: a mail now, and one later', async () => {
    const sent = new Promise<string[]>((resolve) => {
      jest.spyOn(app.get(Mails), 'send').mockImplementationOnce(async (...mail) => resolve(mail));
    });
    const welcome = await client.start(WelcomeWorkflow, 'ann@example.org');
    expect(await sent).toEqual(['ann@example.org', 'Welcome!']);
    await welcome.cancel();
    await expect(welcome.result(soon)).rejects.toMatchObject({ name: 'WorkflowCancelledError' });
  });

  it('long-running workflows: a subscription that ends, and a meter', async () => {
    const first = { customer: 'ann', month: 3, paid: [900, 900] };
    const subscription = await client.start(SubscriptionWorkflow, first, { id: 'subscription-ann' });
    expect(await subscription.query('month')).toBe(3);
    const outside = new Subscriptions(client);
    expect(await outside.endOf('ann')).toEqual([900, 900, 900]);
    expect(await outside.months('ann')).toBe(0);
    const meter = await client.start(MeterWorkflow, 400);
    await meter.signal(Used, 600);
    await expect(meter.result(soon)).resolves.toBe(1_000);
  });

  it('determinism: what is read once, and versions', async () => {
    const invoice = await client.execute(InvoiceWorkflow, 100, soon);
    expect(invoice).toEqual({ number: expect.stringMatching(/^\d{4}-.{36}$/), cents: 119 });
    expect(await client.execute('invoice', 100, soon)).toMatchObject({ cents: 100 });
  });

  it('many at once: all, what goes, and what was paid is refunded', async () => {
    expect(await client.execute(ChargeAllWorkflow, ['a', 'b'], soon)).toEqual([
      'receipt of a',
      'receipt of b',
    ]);
    expect(await client.execute(ChargeWhatGoesWorkflow, ['a', 'unpaid'], soon)).toEqual([
      'receipt of a',
      expect.stringMatching(/^not charged: .*no money/),
    ]);
    await expect(client.execute(ChargeAllWorkflow, ['c', 'unpaid'], soon)).rejects.toMatchObject({
      cause: { message: expect.stringContaining('no money') },
    });
    expect(refunded).toEqual(['c']);
  });

  it('versions and patches: what new runs do', async () => {
    const checkout = await client.start(CheckoutWorkflow, '7');
    await checkout.signal('approve');
    expect(await checkout.result(soon)).toEqual(['checked 7', 'charged 7']);
    expect(await client.execute('checkout', '8', soon)).toEqual(['checked 8', 'charged 8']);
    expect(await client.execute(BillingWorkflow, 3, soon)).toBe(3);
    // By the name that it had, too.
    expect(await client.execute('quote', 'pen', soon)).toBe('price of pen');
    expect(await client.count({ workflow: OfferWorkflow })).toBe(1);
    expect(await client.count({ workflow: 'quote' })).toBe(0);
  });

  it('activities: heartbeats, options of a call, and a failure', async () => {
    const order = { id: '1', card: 'visa', cents: 100 };
    expect(await client.execute(ImportWorkflow, order, soon)).toBe('3 rows, paid');
    const expired = { ...order, card: 'expired' };
    expect(await client.execute(ImportWorkflow, expired, soon)).toBe(
      '3 rows, not paid: The card has expired.',
    );
  });

  it('children: many at once, undone by their parent, and by a handle', async () => {
    expect(await client.execute(MonthWorkflow, ['ann', 'bob'])).toBe(2);
    await expect(client.execute(SaleWorkflow, 'eve', { id: 'sale-eve' })).rejects.toMatchObject({
      rollback: 'complete',
    });
    expect(credited).toEqual(['eve of sale-eve: 2500']);
    const account = await client.start(AccountWorkflow, undefined, { id: 'account of ann' });
    await client.execute(ChargeWorkflow, 'account of ann');
    expect(await account.result()).toBe(12);
    await client.execute(FirstChargeWorkflow, 'account of bob');
    expect(await client.handle(AccountWorkflow, 'account of bob').result()).toBe(30);
    const dunning = await client.start(DunningWorkflow, 'ann');
    await dunning.signal(Paid, true);
    expect(await dunning.result()).toBe('ChildWorkflowFailure');
  });

  it('callbacks: by a web-hook with the token, by hand with the key, and once', async () => {
    const controller = app.get(PaymentsController);
    const tokenOf = async (id: string): Promise<string> => {
      const before = webhooks.length;
      await client.start(PaidOrderWorkflow, { id, cents: 100 }, { id });
      while (webhooks.length === before) await new Promise((resolve) => setImmediate(resolve));
      return webhooks.at(-1)!.split('/').at(-1)!;
    };
    const paid = await tokenOf('o-1');
    await controller.called(paid, { id: 'event 1', receipt: 'r-1' });
    await controller.called(paid, { id: 'event 1', receipt: 'r-1' });
    expect(await client.handle('o-1').result(soon)).toBe('r-1');
    expect(await app.get(Desk).paidInCash('o-1')).toBe(false);
    await controller.called(await tokenOf('o-2'), { id: 'event 2', declined: 'no cover' });
    expect(await client.handle('o-2').result(soon)).toBe('not paid: no cover');
    await tokenOf('o-3');
    expect(await app.get(Desk).paidInCash('o-3')).toBe(true);
    expect(await client.handle('o-3').result(soon)).toBe('cash');
    const late = await tokenOf('o-4');
    await client.handle('o-4').terminate();
    expect(await app.get(Desk).paidInCash('o-4')).toBe(false);
    await expect(controller.called(late, { id: 'event 4' })).rejects.toMatchObject({ status: 400 });
    await expect(controller.called(late, { id: 'event 4', receipt: 'r' })).rejects.toMatchObject({
      status: 409,
    });
  });

  it('rollback: by itself, up to the point of no return, and by hand', async () => {
    expect(await client.execute(TripWorkflow, 'Rome', soon)).toBe('room in Rome, seat to Rome');
    await expect(client.execute(TripWorkflow, 'Atlantis', soon)).rejects.toMatchObject({
      rollback: 'complete',
    });
    expect(await client.execute(ManualTripWorkflow, 'Oslo', soon)).toBe('everything undone');
    expect(diary).toEqual([
      'book Rome',
      'fly to Rome',
      'book Atlantis',
      'fly to Atlantis',
      'release room in Atlantis, Atlantis',
      'apologise for Atlantis',
      'book Oslo',
      'release room in Oslo, Oslo',
    ]);
  });

  it('rollback: of a part, and how it went', async () => {
    diary.length = 0;
    const found = await client.start(PackageWorkflow, ['Atlantis', 'Rome']);
    expect(await found.result(soon)).toBe('room in Rome, seat to Rome');
    expect(diary.slice(0, 3)).toEqual([
      'book Atlantis',
      'fly to Atlantis',
      'release room in Atlantis, Atlantis',
    ]);
    const none = await client.start(PackageWorkflow, ['Atlantis']);
    await expect(none.result(soon)).rejects.toMatchObject({ rollback: 'complete' });
    expect([await stepsKept(found), await stepsKept(none)]).toEqual([0, 0]);
    await expect(tryAgain(none, 'ann')).rejects.toMatchObject({ code: 'nothing left' });
  });

  it('signals and client: a cart', async () => {
    const carts = app.get(Carts);
    expect(await carts.open('ann')).toBe('cart-ann');
    expect(await carts.open('ann')).toBe('cart-ann');
    await carts.fill('ann', 'pen', 'request-1');
    await carts.fill('ann', 'pen', 'request-1');
    await carts.fill('ann', 'desk', 'request-2');
    expect(await carts.openOnes('ann')).toEqual(['cart-ann']);
    expect(await carts.checkOut('ann')).toBe('2 for ann');
    expect(await carts.openOnes('ann')).toEqual([]);
    expect(await carts.openOnce('request-3')).toBe(true);
    expect(await carts.openOnce('request-3')).toBe(false);
    await carts.open('bob');
    expect(await carts.checkOut('bob')).toBe('cancelled');
    await carts.open('cid');
    expect(await carts.giveUp('cart-cid', 'dora')).toEqual(['dora: cancel applied sold out']);
  });

  it('the workflow: the best of two offers', async () => {
    const purchase = await client.start(PurchaseWorkflow, ['a long name', 'brief'], { id: 'purchase-1' });
    expect(await purchase.result(soon)).toBe('brief of purchase-1');
  });

  it('updates: a change of plan', async () => {
    expect(await subscribe(client, '7', { plan: 'pro' }, 'request-1')).toBe('membership-7: pro');
    const change = (plan: 'basic' | 'pro', request: string): Promise<string> =>
      changePlan(client, 'membership-7', plan, request);
    expect(await change('pro', 'request-2')).toBe('refused: The plan is pro already.');
    expect(await change('basic', 'request-3')).toBe('basic for 5');
    expect(await change('basic', 'request-3')).toBe('basic for 5');
    const handle = client.handle(MembershipWorkflow, 'membership-7');
    await handle.signal('end');
    expect(await handle.result()).toBe('basic');
  });

  it('signals: a race', async () => {
    const desk = await client.start(DeskWorkflow);
    for (const question of ['where', 'when', 'why']) await desk.signal(asked, question);
    await desk.signal(closed, 'ann');
    expect(await desk.result(soon)).toBe('3, closed by ann');
  });

  it('lists: what deliveries tell of themselves', async () => {
    const deliveries = app.get(Deliveries);
    const id = await deliveries.begin({ to: 'Ulm', weight: 12 }, 'ann');
    await deliveries.begin({ to: 'Ulm', weight: 120 }, 'ann');
    const parcel = client.handle(DeliveryWorkflow, id);
    await parcel.signal('seen', 'Bonn');
    while ((await parcel.query('carrier')) === undefined) continue;
    expect(await deliveries.heavyOnes('ann')).toEqual([`${id}: Last seen in Bonn`]);
    await parcel.signal('seen', 'Ulm');
    expect(await parcel.result(soon)).toBe('carrier of Ulm');
    expect(await parcel.describe()).toMatchObject({
      attributes: { stage: 'delivered', customer: 'ann', to: 'Ulm', weight: 12 },
    });
  });

  it('time limits: a seat that nobody pays for', async () => {
    const told = await app.get(Reservations).reserve('12A', 1_000);
    expect(told).toBe('not paid in time, rollback complete');
    expect(app.get(Seats).free).toEqual(['12A']);
  });

  it('timers: a time limit', async () => {
    expect(await client.execute(ImpatientWorkflow, undefined, soon)).toBe('too late');
  });
});
