import { Controller, Get } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { Repository } from 'typeorm';
import { StockItem } from './stock-item.entity.js';

@Controller('stock')
export class StockController {
  constructor(@InjectRepository(StockItem) private readonly items: Repository<StockItem>) {}

  /** What is on the shelves. */
  @Get()
  list(): Promise<StockItem[]> {
    return this.items.find({ order: { sku: 'ASC' } });
  }
}
