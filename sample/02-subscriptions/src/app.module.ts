import { Module, StandardSchemaValidationPipe } from '@nestjs/common';
import { APP_PIPE } from '@nestjs/core';
import { ContinuumModule } from 'nestjs-continuum';
import { AccountWorkflow } from './accounts/account.workflow.js';
import { CardActivities } from './invoices/card.activities.js';
import { DunningWorkflow } from './invoices/dunning.workflow.js';
import { InvoiceActivities } from './invoices/invoice.activities.js';
import { InvoiceWorkflow } from './invoices/invoice.workflow.js';
import { Settings, SettingsModule } from './settings.js';
import { SubscriptionWorkflowV1 } from './subscriptions/subscription-v1.workflow.js';
import { SubscriptionWorkflow } from './subscriptions/subscription.workflow.js';
import { SubscriptionsController } from './subscriptions/subscriptions.controller.js';
import { SubscriptionsService } from './subscriptions/subscriptions.service.js';

@Module({
  imports: [
    SettingsModule,
    ContinuumModule.forRootAsync({
      imports: [SettingsModule],
      inject: [Settings],
      useFactory: ({ databaseUrl }: Settings) => ({
        connection: { url: databaseUrl },
        schema: 'subscriptions',
      }),
    }),
  ],
  controllers: [SubscriptionsController],
  providers: [
    { provide: APP_PIPE, useClass: StandardSchemaValidationPipe },
    SubscriptionsService,
    InvoiceActivities,
    CardActivities,
    SubscriptionWorkflow,
    SubscriptionWorkflowV1,
    InvoiceWorkflow,
    DunningWorkflow,
    AccountWorkflow,
  ],
})
export class AppModule {}
