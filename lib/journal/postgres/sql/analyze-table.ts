import { type NoValues, type Statement, command } from '../statement.js';

/** The tables that plans reach into. */
export const PLANNED_TABLES = [
  'actors',
  'runs',
  'history',
  'inbox',
  'message_ids',
  'updates',
  'outbox',
] as const;
export type PlannedTable = (typeof PLANNED_TABLES)[number];

const analyze = (table: PlannedTable): Statement<NoValues, never> =>
  command(`analyze ${table}`, (schema) => `analyze ${schema}.${table}`);

/** Counts a table anew. A role that does not own it is only warned by the server. */
export const ANALYZE_TABLE: Readonly<Record<PlannedTable, Statement<NoValues, never>>> = {
  actors: analyze('actors'),
  runs: analyze('runs'),
  history: analyze('history'),
  inbox: analyze('inbox'),
  message_ids: analyze('message_ids'),
  updates: analyze('updates'),
  outbox: analyze('outbox'),
};
