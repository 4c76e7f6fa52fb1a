import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Reservation } from './reservation.entity.js';
import { StockActivities } from './stock.activities.js';
import { StockController } from './stock.controller.js';
import { StockItem } from './stock-item.entity.js';

@Module({
  imports: [TypeOrmModule.forFeature([StockItem, Reservation])],
  controllers: [StockController],
  providers: [StockActivities],
  exports: [StockActivities],
})
export class StockModule {}
