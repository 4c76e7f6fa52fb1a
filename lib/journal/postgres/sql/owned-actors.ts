import { query } from '../statement.js';
import type { ActorId } from '../../ids.js';

export interface OwnedRow {
  readonly id: ActorId;
  readonly lease_token: number;
  readonly inbox_seq: number;
}

/** The actors of a worker: those with unread messages, or all of them. */
export const ownedActors = query<{ readonly owner: string; readonly all: boolean }, OwnedRow>(
  'owned actors',
  (schema) => `
select actor.id, actor.lease_token, actor.inbox_seq
from ${schema}.actors as actor
where actor.lease_owner = :owner::uuid
  and (:all::boolean or actor.inbox_seq > actor.inbox_consumed)
`,
);
