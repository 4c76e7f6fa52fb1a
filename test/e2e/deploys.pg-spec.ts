import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { Inject, Injectable } from '@nestjs/common';
import type { Type } from '@nestjs/common';
import {
  Activity,
  Compensate,
  NonDeterminismError,
  OnSignal,
  UnavailableActivityError,
  Workflow,
  WorkflowContext,
  WorkflowFailedError,
  WorkflowFailure,
} from 'nestjs-continuum';
import type { ContinuumModuleOptions } from 'nestjs-continuum';
import type { App } from './support/app.js';
import { closeApps, openApp } from './support/app.js';
import { PostgresBackend } from './support/backend.js';
import { caught, until } from './support/helpers.js';

// One application after another over one journal, each with the code of its day.
const backend = new PostgresBackend();
afterEach(closeApps);
afterAll(() => backend.clear());

interface Deploy {
  readonly buildId: string;
  readonly providers: readonly Type[];
}
const deploy = (continuum: ContinuumModuleOptions, { buildId, providers }: Deploy): Promise<App> =>
  openApp({ continuum: { ...continuum, buildId }, providers: [...providers] });

@Injectable()
class Warehouse {
  @Activity() async reserve(sku: string): Promise<string> {
    return `reserved ${sku}`;
  }
  @Activity() async ship(sku: string): Promise<string> {
    return `shipped ${sku}`;
  }
}

@Workflow({ name: 'order' })
class OrderWorkflow {
  protected approved = false;
  constructor(protected readonly warehouse: Warehouse) {}
  @OnSignal() approve(): void {
    this.approved = true;
  }
  async run(ctx: WorkflowContext, sku: string): Promise<string> {
    const reserved = await this.warehouse.reserve(sku);
    await ctx.condition(() => this.approved);
    return `${reserved}, ${await this.warehouse.ship(sku)}`;
  }
}

/** Begins with what comes last in the history of running ones. */
@Workflow({ name: 'order' })
class ReorderedWorkflow extends OrderWorkflow {
  override async run(ctx: WorkflowContext, sku: string): Promise<string> {
    const shipped = await this.warehouse.ship(sku);
    await ctx.condition(() => this.approved);
    return `${shipped}, ${await this.warehouse.reserve(sku)}`;
  }
}

describe('a deploy', () => {
  it('that changes the code under a run blocks it, which shows why; with the old code back it goes on', async () => {
    const continuum = await backend.fresh();
    const before = await deploy(continuum, { buildId: '1', providers: [Warehouse, OrderWorkflow] });
    const { workflowId } = await before.client.start(OrderWorkflow, 'pen');
    const handle = (app: App) => app.client.handle(OrderWorkflow, workflowId);
    await until(async () => (await handle(before).history()).length >= 3);
    await closeApps();

    const drifted = await deploy(continuum, { buildId: '2', providers: [Warehouse, ReorderedWorkflow] });
    await handle(drifted).signal('approve');
    await until(async () => (await handle(drifted).describe()).blocked !== null);
    const { blocked, state } = await handle(drifted).describe();
    expect(state).toBe('running');
    expect(blocked?.reason).toMatch(/^NonDeterminismError: .*Warehouse\.reserve.*Warehouse\.ship/s);
    const failed = await drifted.events.until('turn failed');
    expect(failed.error).toBeInstanceOf(NonDeterminismError);
    expect(failed.error).toMatchObject({
      agreedUpTo: 1,
      recordedAt: expect.any(Number),
      // The line of the new code that asks for something else, in production as well.
      site: expect.stringMatching(/ReorderedWorkflow\..*deploys\.pg-spec\.ts:\d+:\d+/),
    });
    const length = (await handle(drifted).history()).length;
    await closeApps();

    const again = await deploy(continuum, { buildId: '3', providers: [Warehouse, OrderWorkflow] });
    expect(await handle(again).result()).toBe('reserved pen, shipped pen');
    // Nothing was written while it was blocked.
    const history = await handle(again).history();
    expect(history[length]?.entry.type).toBe('signal_received');
  });

  it('that patches the code under a run leaves it on its way, and takes what comes later the new one', async () => {
    @Workflow({ name: 'order' })
    class PatchedWorkflow extends OrderWorkflow {
      override async run(ctx: WorkflowContext, sku: string): Promise<string> {
        const first = ctx.patched('twice') ? await this.warehouse.reserve(`two of ${sku}`) : null;
        const reserved = first ?? (await this.warehouse.reserve(sku));
        await ctx.condition(() => this.approved);
        const thanks = ctx.patched('thank') ? ', thanks' : '';
        return `${reserved}, ${await this.warehouse.ship(sku)}${thanks}`;
      }
    }
    const continuum = await backend.fresh();
    const before = await deploy(continuum, { buildId: '1', providers: [Warehouse, OrderWorkflow] });
    const { workflowId } = await before.client.start(OrderWorkflow, 'pen');
    await until(async () => (await before.client.handle(workflowId).history()).length >= 3);
    await closeApps();

    const after = await deploy(continuum, { buildId: '2', providers: [Warehouse, PatchedWorkflow] });
    const old = after.client.handle(OrderWorkflow, workflowId);
    const fresh = await after.client.start(PatchedWorkflow, 'ink');
    for (const handle of [old, fresh]) await handle.signal('approve');
    expect(await old.result()).toBe('reserved pen, shipped pen, thanks');
    expect(await fresh.result()).toBe('reserved two of ink, shipped ink, thanks');
    const notes = (await fresh.history()).flatMap(({ entry }) =>
      entry.type === 'patched' ? [entry.name] : [],
    );
    expect(notes).toEqual(['twice', 'thank']);
  });

  it('that removes a compensation under a run blocks its rollback, until it is back', async () => {
    const undone: string[] = [];
    @Injectable()
    class Hotel {
      @Activity({ name: 'book' }) async book(room: string): Promise<string> {
        return `booking of ${room}`;
      }
      @Compensate('book', { name: 'unbook' }) async unbook(booking: string): Promise<void> {
        undone.push(booking);
      }
    }
    @Injectable()
    class HotelWithoutReturn {
      @Activity({ name: 'book' }) async book(room: string): Promise<string> {
        return `booking of ${room}`;
      }
    }
    const workflowWith = (hotel: Type<HotelWithoutReturn>): Type => {
      @Workflow({ name: 'trip' })
      class TripWorkflow {
        private rain = false;
        constructor(@Inject(hotel) private readonly hotels: HotelWithoutReturn) {}
        @OnSignal() rains(): void {
          this.rain = true;
        }
        async run(ctx: WorkflowContext, room: string): Promise<void> {
          await this.hotels.book(room);
          await ctx.condition(() => this.rain);
          throw new WorkflowFailure('it rains');
        }
      }
      return TripWorkflow;
    };
    const continuum = await backend.fresh();
    const before = await deploy(continuum, { buildId: '1', providers: [Hotel, workflowWith(Hotel)] });
    const { workflowId } = await before.client.start('trip', 'room 7');
    const handle = (app: App) => app.client.handle(workflowId);
    await until(async () => (await handle(before).history()).length >= 3);
    await closeApps();

    const providers = [HotelWithoutReturn, workflowWith(HotelWithoutReturn)];
    const without = await deploy(continuum, { buildId: '2', providers });
    await handle(without).signal('rains');
    const failed = await without.events.until('turn failed');
    expect(failed.error).toBeInstanceOf(UnavailableActivityError);
    await until(async () => (await handle(without).describe()).blocked !== null);
    expect((await handle(without).describe()).blocked?.reason).toMatch(
      /"unbook".*@Activity\({ name: 'unbook' }\)/s,
    );
    expect(undone).toEqual([]);
    await closeApps();

    const again = await deploy(continuum, { buildId: '3', providers: [Hotel, workflowWith(Hotel)] });
    const error = await caught(handle(again).result());
    expect(error).toBeInstanceOf(WorkflowFailedError);
    expect(error).toMatchObject({ rollback: 'complete', cause: { message: 'it rains' } });
    expect(undone).toEqual(['booking of room 7']);
  });

  it('takes runs that continue to the new version while workers of the old one are still up', async () => {
    const monthly = (version: number): Type => {
      @Workflow({ name: 'plan', version })
      class PlanWorkflow {
        async run(ctx: WorkflowContext, versions: readonly number[]): Promise<readonly number[]> {
          const all = [...versions, ctx.info.version];
          if ((await ctx.waitForSignal<string>('month')) === 'the last') return all;
          return ctx.continueAsNew(all);
        }
      }
      return PlanWorkflow;
    };
    const continuum = await backend.fresh();
    const before = await deploy(continuum, { buildId: '1', providers: [monthly(1)] });
    const handle = await before.client.start('plan', []);
    await deploy(continuum, { buildId: '2', providers: [monthly(1), monthly(2)] });
    // The old worker hears of the new one with a heartbeat; until then the run goes on as before.
    for (let continued = 1; (await handle.describe()).version === 1; continued++) {
      await handle.signal('month', 'one more');
      await until(async () => (await before.client.count({ id: handle.workflowId })) > continued);
    }
    await handle.signal('month', 'the last');
    // By name alone nothing is known of its result.
    const versions = (await handle.result()) as readonly number[];
    expect(versions).toEqual([...versions.slice(1).fill(1), 2]);
  });
});
