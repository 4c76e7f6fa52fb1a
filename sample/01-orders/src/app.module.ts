import { Module, StandardSchemaValidationPipe } from '@nestjs/common';
import { APP_FILTER, APP_PIPE } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ContinuumModule } from 'nestjs-continuum';
import { CreateShop1700000000000 } from './database/1700000000000-create-shop.js';
import { OrdersModule } from './orders/orders.module.js';
import { Settings, SettingsModule } from './settings.js';
import { WorkflowErrorsFilter } from './workflow-errors.filter.js';

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      imports: [SettingsModule],
      inject: [Settings],
      useFactory: ({ databaseUrl }: Settings) => ({
        type: 'postgres',
        url: databaseUrl,
        autoLoadEntities: true,
        migrations: [CreateShop1700000000000],
        migrationsRun: true,
      }),
    }),
    // Beside the application's own tables, in a schema of its own.
    ContinuumModule.forRoot({ connection: 'default' }),
    OrdersModule,
  ],
  providers: [
    { provide: APP_PIPE, useClass: StandardSchemaValidationPipe },
    { provide: APP_FILTER, useClass: WorkflowErrorsFilter },
  ],
})
export class AppModule {}
