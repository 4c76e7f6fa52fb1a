import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SettingsModule } from '../settings.js';
import { LedgerController } from './ledger.controller.js';
import { LedgerEntry } from './ledger-entry.entity.js';
import { PaymentActivities } from './payment.activities.js';
import { PaymentGateway } from './payment-gateway.js';

@Module({
  imports: [TypeOrmModule.forFeature([LedgerEntry]), SettingsModule],
  controllers: [LedgerController],
  providers: [PaymentActivities, PaymentGateway],
  exports: [PaymentActivities],
})
export class PaymentsModule {}
