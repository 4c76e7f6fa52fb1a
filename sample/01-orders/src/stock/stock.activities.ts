import { Injectable } from '@nestjs/common';
import { Activity, ActivityContext, Compensate, NonRetryableError } from 'nestjs-continuum';
import { DataSource, In } from 'typeorm';
import type { EntityManager } from 'typeorm';
import type { PlacedOrder } from '../orders/order.js';
import { untilItWorks } from '../orders/retry.js';
import { Reservation } from './reservation.entity.js';
import type { ReservedItem } from './reservation.entity.js';
import { StockItem } from './stock-item.entity.js';

@Injectable()
export class StockActivities {
  constructor(private readonly dataSource: DataSource) {}

  /** Takes the goods of an order from the shelves, all or none. Gives the id of the reservation. */
  @Activity(untilItWorks)
  reserve(order: PlacedOrder, { idempotencyKey: id } = ActivityContext.current()): Promise<string> {
    return this.dataSource.transaction(async (manager) => {
      const items = merged(order.items);
      const { raw } = await manager
        .createQueryBuilder()
        .insert()
        .into(Reservation)
        .values({ id, orderId: order.id, items })
        .orIgnore()
        .returning('id')
        .execute();
      // An attempt before this one did it, and could not tell.
      if ((raw as unknown[]).length === 0) return id;
      const shelf = await locked(manager, items);
      for (const { sku, quantity } of items) {
        const item = shelf.get(sku);
        if (!item) throw new NonRetryableError(`There is no "${sku}" in this shop.`);
        if (item.available < quantity) {
          throw new NonRetryableError(
            `Too little "${sku}" in stock: ${quantity} ordered, ${item.available} left.`,
          );
        }
        await manager.decrement(StockItem, { sku }, 'available', quantity);
      }
      return id;
    });
  }

  /** Puts back what was reserved, once, however often it is asked. */
  @Compensate('reserve', untilItWorks)
  release(id: string): Promise<void> {
    return this.dataSource.transaction(async (manager) => {
      const reservation = await manager.findOneOrFail(Reservation, {
        where: { id },
        lock: { mode: 'pessimistic_write' },
      });
      if (reservation.releasedAt) return;
      await locked(manager, reservation.items);
      for (const { sku, quantity } of reservation.items) {
        await manager.increment(StockItem, { sku }, 'available', quantity);
      }
      await manager.update(Reservation, { id }, { releasedAt: new Date() });
    });
  }
}

/** One line for each sku. */
function merged(items: readonly ReservedItem[]): ReservedItem[] {
  const quantities = new Map<string, number>();
  for (const { sku, quantity } of items) quantities.set(sku, (quantities.get(sku) ?? 0) + quantity);
  return Array.from(quantities, ([sku, quantity]) => ({ sku, quantity }));
}

/** The goods, held until the transaction ends; always in one order, so that two of them cannot wait for each other. */
async function locked(
  manager: EntityManager,
  items: readonly ReservedItem[],
): Promise<Map<string, StockItem>> {
  const found = await manager.find(StockItem, {
    where: { sku: In(items.map(({ sku }) => sku)) },
    order: { sku: 'ASC' },
    lock: { mode: 'pessimistic_write' },
  });
  return new Map(found.map((item) => [item.sku, item]));
}
