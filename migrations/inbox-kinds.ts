import type { InboxMessage } from '../lib/journal/port/index.js';

/** Which migration has allowed each kind of message in the table `inbox`: as `HISTORY_TYPES_SINCE` for the types of entries. */
export const INBOX_KINDS_SINCE = {
  start: 4,
  signal: 4,
  cancel: 4,
  activity_result: 4,
  child_start: 12,
  child_end: 12,
  message_result: 20,
  callback_result: 21,
  update: 15,
  rollback_retry: 25,
} satisfies Record<InboxMessage['kind'], number>;

/** The kinds that the table takes once this migration has run. */
export const inboxKindsAt = (migration: number): readonly string[] =>
  Object.entries(INBOX_KINDS_SINCE).flatMap(([kind, since]) => (since <= migration ? [kind] : []));

/**
 * The statement with which a migration allows its kinds, and those before. Rows that are there were checked when they were
 * written.
 *
 * @param schema as a migration is given it
 * @param migration its number
 */
export const allowInboxKinds = (schema: string, migration: number): string => `
  alter table ${schema}.inbox
    drop constraint if exists inbox_kind,
    add constraint inbox_kind check (kind in (${inboxKindsAt(migration)
      .map((kind) => `'${kind}'`)
      .join(', ')})) not valid`;
