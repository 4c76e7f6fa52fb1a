import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ShipOrder } from './ship-order.activity.js';
import { Shipment } from './shipment.entity.js';

@Module({
  imports: [TypeOrmModule.forFeature([Shipment])],
  providers: [ShipOrder],
  exports: [ShipOrder],
})
export class ShippingModule {}
