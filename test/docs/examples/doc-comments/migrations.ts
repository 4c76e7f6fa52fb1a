// The example in the doc comment of continuumMigrations.
import { continuumMigrations } from 'nestjs-continuum/migrations';
import { DataSource } from 'typeorm';
import type { MigrationInterface } from 'typeorm';

export function dataSourceOf(url: string, myMigrations: (new () => MigrationInterface)[]): DataSource {
  const options = { type: 'postgres', url } as const;
  return new DataSource({
    ...options,
    migrations: [...continuumMigrations('workflows'), ...myMigrations],
  });
}
