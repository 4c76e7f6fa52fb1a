import { Module } from '@nestjs/common';
import { ApprovalsModule } from '../approvals/approvals.module.js';
import { NotificationsModule } from '../notifications/notifications.module.js';
import { PaymentsModule } from '../payments/payments.module.js';
import { SettingsModule } from '../settings.js';
import { ShippingModule } from '../shipping/shipping.module.js';
import { StockModule } from '../stock/stock.module.js';
import { OrderWorkflow } from './order.workflow.js';
import { OrdersController } from './orders.controller.js';
import { OrdersService } from './orders.service.js';

@Module({
  imports: [
    SettingsModule,
    StockModule,
    PaymentsModule,
    ApprovalsModule,
    ShippingModule,
    NotificationsModule,
  ],
  controllers: [OrdersController],
  providers: [OrderWorkflow, OrdersService],
})
export class OrdersModule {}
