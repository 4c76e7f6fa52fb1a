import { Controller, Get, Query } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { z } from 'zod';
import { orderId } from '../orders/order.js';
import { LedgerEntry } from './ledger-entry.entity.js';

const ledgerQuery = z.object({ order: orderId.optional() });

@Controller('ledger')
export class LedgerController {
  constructor(@InjectRepository(LedgerEntry) private readonly ledger: Repository<LedgerEntry>) {}

  /** The latest charges and refunds, of one order if one is named. */
  @Get()
  list(@Query({ schema: ledgerQuery }) { order }: z.infer<typeof ledgerQuery>): Promise<LedgerEntry[]> {
    return this.ledger.find({
      where: order === undefined ? {} : { orderId: order },
      order: { id: 'DESC' },
      take: 1_000,
    });
  }
}
