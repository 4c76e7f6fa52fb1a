import { Inject, Injectable, Module } from '@nestjs/common';
import type { DynamicModule } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { ContinuumModule, InjectWorkflowClient, WorkflowClient } from 'nestjs-continuum';

export class Config {
  constructor(readonly databaseUrl: string) {}
}

@Module({})
export class ConfigModule {
  static with(databaseUrl: string): DynamicModule {
    const provider = { provide: Config, useValue: new Config(databaseUrl) };
    return { module: ConfigModule, global: true, providers: [provider], exports: [Config] };
  }
}

export const sharedDataSource = (databaseUrl: string) => [
  TypeOrmModule.forRoot({ type: 'postgres', url: databaseUrl, autoLoadEntities: true }),
  ContinuumModule.forRoot({ connection: 'default' }), // the name of the application's DataSource
];

export const fromFactory = ContinuumModule.forRootAsync({
  inject: [Config],
  useFactory: (config: Config) => ({
    connection: { url: config.databaseUrl },
    worker: { runs: 500, activities: 50, shutdownTimeout: '30s' },
  }),
});

export const clientOnly = ContinuumModule.forRootAsync({
  name: 'billing',
  inject: [Config],
  useFactory: ({ databaseUrl }: Config) => ({
    connection: { url: databaseUrl },
    schema: 'billing_workflows',
    worker: false, // starts and signals what other processes run
  }),
});

@Injectable()
export class Billing {
  constructor(
    @InjectWorkflowClient('billing') private readonly billing: WorkflowClient,
    @Inject(WorkflowClient) private readonly workflows: WorkflowClient,
  ) {}

  async counts(): Promise<readonly number[]> {
    return [await this.billing.count(), await this.workflows.count()];
  }
}
