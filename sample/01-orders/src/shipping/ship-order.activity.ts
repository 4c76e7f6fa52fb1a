import { InjectRepository } from '@nestjs/typeorm';
import { Activity } from 'nestjs-continuum';
import type { ActivityContext } from 'nestjs-continuum';
import { Repository } from 'typeorm';
import type { PlacedOrder } from '../orders/order.js';
import { untilItWorks } from '../orders/retry.js';
import { Shipment } from './shipment.entity.js';

/** A class that is one activity. */
@Activity(untilItWorks)
export class ShipOrder {
  constructor(@InjectRepository(Shipment) private readonly shipments: Repository<Shipment>) {}

  async execute({ id: orderId }: PlacedOrder, ctx: ActivityContext): Promise<{ tracking: string }> {
    await this.shipments.createQueryBuilder().insert().values({ orderId }).orIgnore().execute();
    const { tracking } = await this.shipments.findOneByOrFail({ orderId });
    ctx.logger.log(`The parcel is on its way: ${tracking}`);
    return { tracking };
  }
}
