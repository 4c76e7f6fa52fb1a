import 'reflect-metadata';
import { Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ContinuumModule } from '../../../lib/index.js';
import { Child, FamilyActivities, LeftBehind, Parent } from './families.js';
import { Held, HeldActivities } from './held.js';
import { KillerActivities, Neighbour, Poison, Suicide } from './killers.js';
import { Ledger, LedgerOptions } from './ledger.js';
import { SETTINGS_VARIABLE } from './protocol.js';
import type { WorkerSettings } from './protocol.js';
import { Saga, SagaActivities } from './saga.js';
import { TestChannel } from './test-channel.js';

@Module({})
class OutsideModule {
  static forRoot(url: string): DynamicModule {
    const options = { provide: LedgerOptions, useValue: new LedgerOptions(url) };
    return {
      module: OutsideModule,
      global: true,
      providers: [options, Ledger, TestChannel],
      exports: [Ledger, TestChannel],
    };
  }
}

@Module({})
class WorkerModule {
  static forRoot({
    url,
    name,
    leaseTimeout,
    heartbeatInterval,
    shutdownTimeout,
  }: WorkerSettings): DynamicModule {
    return {
      module: WorkerModule,
      imports: [
        OutsideModule.forRoot(url),
        ContinuumModule.forRootAsync({
          inject: [TestChannel],
          useFactory: (observer: TestChannel) => ({
            connection: { url },
            migrations: 'verify',
            observer,
            worker: { name, leaseTimeout, heartbeatInterval, shutdownTimeout },
          }),
        }),
      ],
      providers: [
        Saga,
        SagaActivities,
        Held,
        HeldActivities,
        Poison,
        Suicide,
        Neighbour,
        KillerActivities,
        Parent,
        Child,
        LeftBehind,
        FamilyActivities,
      ],
    };
  }
}

const settings = JSON.parse(process.env[SETTINGS_VARIABLE]!) as WorkerSettings;
const app = await NestFactory.createApplicationContext(WorkerModule.forRoot(settings), {
  logger: ['error', 'warn'],
});
app.enableShutdownHooks();
app.get(TestChannel).ready();
