import type { ActorId } from '../../ids.js';
import { query } from '../statement.js';

export interface UnreadRow {
  /** How many actors the worker owns, the same in every row. */
  readonly owned: number;
  /** `null` in the one row of a worker without unread messages. */
  readonly id: ActorId | null;
  readonly lease_token: number;
  readonly inbox_seq: number;
}

/** How many actors a worker owns, and those with unread messages. */
export const unreadActors = query<{ readonly owner: string }, UnreadRow>(
  'unread actors',
  (schema) => `
with own as materialized (
  select actor.id, actor.lease_token, actor.inbox_seq, actor.inbox_seq > actor.inbox_consumed as unread
  from ${schema}.actors as actor
  where actor.lease_owner = :owner::uuid
)
select total.owned, own.id, own.lease_token, own.inbox_seq
from (select count(*)::int as owned from own) as total
left join own on own.unread
`,
);
