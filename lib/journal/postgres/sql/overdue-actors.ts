import { OVERDUE_FOR } from '../../rules/overdue.js';
import type { ActorId, RunId } from '../../ids.js';
import { query } from '../statement.js';

/**
 * Those of one namespace whose time limit has passed for a while, and that nobody could have taken since. A session counts until it
 * would have expired, also one that was ended in order or found dead before. Times are the database's.
 */
const isOverdue = (schema: string): string => `
    actor.namespace = :namespace
    and actor.deadline_at < now() - ${OVERDUE_FOR} * interval '1 ms'
    and actor.lease_owner is null
    and actor.paused_at is null
    and not actor.closing
    and not exists (
      select from ${schema}.workers as worker
      cross join lateral json_to_recordset(worker.workflows) as served(name text, version int)
      where worker.expires_at > now() - ${OVERDUE_FOR} * interval '1 ms'
        -- A session without a namespace is of an older release, and takes runs of every one.
        and (worker.namespace is null or worker.namespace = :namespace)
        and served.name = actor.workflow
        and served.version = actor.version
    )`;

/** Runs to end, those first whose limit passed first. */
export const overdueActors = query<
  { readonly namespace: string; readonly limit: number },
  { readonly id: ActorId }
>(
  'overdue actors',
  (schema) => `
select actor.id
from ${schema}.actors as actor
where ${isOverdue(schema)}
order by actor.deadline_at
limit :limit
`,
);

/** Looks again at an actor that this transaction has locked before. */
export const overdueActor = query<
  { readonly namespace: string; readonly id: string },
  {
    readonly run_id: RunId;
    readonly workflow: string;
    readonly workflow_id: string;
    readonly inbox_consumed: number;
  }
>(
  'overdue actor',
  (schema) => `
select actor.run_id, actor.workflow, actor.workflow_id, actor.inbox_consumed::float8 as inbox_consumed
from ${schema}.actors as actor
where actor.id = :id::uuid
  and ${isOverdue(schema)}
`,
);
