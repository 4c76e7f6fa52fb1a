import { DataSource } from 'typeorm';

export type { DataSource };

/** What an application's DataSource is provided under: its class, or the name and the word, as @nestjs/typeorm has it. */
export function dataSourceToken(name: string): typeof DataSource | string {
  return name === 'default' ? DataSource : `${name}DataSource`;
}

/** Tells a DataSource from plain options. By shape, for the application may have a TypeORM of its own. */
export function isDataSource(value: unknown): value is DataSource {
  return (
    typeof value === 'object' &&
    value !== null &&
    'createQueryRunner' in value &&
    typeof value.createQueryRunner === 'function'
  );
}
