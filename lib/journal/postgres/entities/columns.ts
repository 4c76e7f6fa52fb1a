import type { EntitySchemaColumnOptions, ValueTransformer } from 'typeorm';

// Shorthands, so that an entity reads as the table it maps.

/** The driver gives a bigint as text; no counter of ours comes near what a number can hold. */
const AS_NUMBER: ValueTransformer = {
  to: (value: unknown) => value,
  from: (value: unknown) => (value === null ? null : Number(value)),
};

export const key = (
  type: EntitySchemaColumnOptions['type'],
  constraint: string,
  name?: string,
): EntitySchemaColumnOptions => ({
  type,
  primary: true,
  primaryKeyConstraintName: constraint,
  ...named(name),
  ...(type === 'bigint' ? { transformer: AS_NUMBER } : {}),
});
export const uuid = (name?: string): EntitySchemaColumnOptions => ({ type: 'uuid', ...named(name) });
export const text = (name?: string): EntitySchemaColumnOptions => ({ type: 'text', ...named(name) });
export const integer = (name?: string): EntitySchemaColumnOptions => ({ type: 'integer', ...named(name) });
export const smallint = (name?: string): EntitySchemaColumnOptions => ({ type: 'smallint', ...named(name) });
export const bigint = (name?: string): EntitySchemaColumnOptions => ({
  type: 'bigint',
  transformer: AS_NUMBER,
  ...named(name),
});
export const boolean = (name?: string): EntitySchemaColumnOptions => ({ type: 'boolean', ...named(name) });
export const json = (name?: string): EntitySchemaColumnOptions => ({ type: 'json', ...named(name) });
export const jsonb = (name?: string): EntitySchemaColumnOptions => ({ type: 'jsonb', ...named(name) });
export const interval = (name?: string): EntitySchemaColumnOptions => ({ type: 'interval', ...named(name) });
export const instant = (name?: string): EntitySchemaColumnOptions => ({
  type: 'timestamp with time zone',
  ...named(name),
});
export const nullable = (column: EntitySchemaColumnOptions): EntitySchemaColumnOptions => ({
  ...column,
  nullable: true,
});
export const withDefault = (
  column: EntitySchemaColumnOptions,
  value: EntitySchemaColumnOptions['default'],
): EntitySchemaColumnOptions => ({ ...column, default: value });

const named = (name: string | undefined): { name?: string } => (name === undefined ? {} : { name });
