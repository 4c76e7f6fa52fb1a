import type { HistoryEntryType } from '../lib/core/index.js';

/**
 * Which migration has allowed each type of entry in the table `history`. A type that is missing does not compile: give
 * it the number of the next migration, and write that one, with `allowHistoryTypes` in its `up` and, with the number
 * before, in its `down`.
 */
export const HISTORY_TYPES_SINCE = {
  run_started: 3,
  signal_received: 3,
  signal_accepted: 9,
  signal_refused: 9,
  update_accepted: 15,
  cancel_requested: 3,
  timer_fired: 3,
  activity_completed: 3,
  activity_failed: 3,
  activity_cancelled: 3,
  message_sent: 20,
  message_delivered: 20,
  message_not_delivered: 20,
  child_accepted: 12,
  child_not_started: 12,
  child_completed: 12,
  child_failed: 12,
  child_cancelled: 12,
  child_terminated: 12,
  child_started: 12,
  child_cancel_requested: 12,
  activity_scheduled: 3,
  activity_cancel_requested: 3,
  timer_started: 3,
  timer_cancelled: 3,
  side_effect_recorded: 3,
  signal_check_requested: 9,
  update_answered: 15,
  rollback_step_added: 3,
  rollback_cleared: 3,
  rollback_started: 3,
  run_completed: 3,
  run_failed: 3,
  run_cancelled: 3,
  run_continued: 14,
  run_terminated: 3,
  activity_attempt: 3,
  activity_heartbeat: 3,
  patched: 17,
  attributes_set: 18,
  details_set: 18,
  deadline_passed: 19,
  run_timed_out: 19,
  callback_opened: 21,
  callback_withdrawn: 21,
  callback_completed: 21,
  callback_failed: 21,
  callback_not_opened: 21,
  rollback_retried: 25,
} satisfies Record<HistoryEntryType, number>;

/** The types that the table takes once this migration has run. */
export const historyTypesAt = (migration: number): readonly string[] =>
  Object.entries(HISTORY_TYPES_SINCE).flatMap(([type, since]) => (since <= migration ? [type] : []));

/**
 * The statement with which a migration allows its types, and those before. Rows that are there were checked when they
 * were written: looking at them again would hold up every write while a large history is read.
 *
 * @param schema as a migration is given it
 * @param migration its number
 */
export const allowHistoryTypes = (schema: string, migration: number): string => `
  alter table ${schema}.history
    drop constraint if exists history_type,
    add constraint history_type check (type in (${historyTypesAt(migration)
      .map((type) => `'${type}'`)
      .join(', ')})) not valid`;
