import { command } from '../statement.js';
import type { ActorId, RunId } from '../../ids.js';

/** What goes from one run to another. */
export type OutboxRow = MessageRow | StartRow | TerminationRow | ParentClosedRow;

interface Row {
  /** Orders what one of them sends. */
  readonly id: number;
  readonly source: ActorId;
  /** Something that its sender has sent there before comes first, and is another worker's just now, or not due. */
  readonly blocked: boolean;
}

export interface MessageRow extends Row {
  readonly kind: 'signal' | 'cancel' | 'child_end' | 'message_result';
  /** Of the target. */
  readonly workflow_id: string;
  /** Only for this actor, or for this run; `null` for whichever has the workflow id. */
  readonly actor_id: ActorId | null;
  readonly run_id: RunId | null;
  readonly name: string | null;
  readonly payload: string | null;
  /** The beginning of the name of the message that tells its sender what became of it; `null`: nobody asks. */
  readonly reply: string | null;
}

/** A signal that starts a run where none is open. */
export interface StartRow extends Row {
  readonly kind: 'signal_with_start';
  readonly workflow_id: string;
  readonly name: string;
  readonly payload: string;
  /** JSON: what is started. */
  readonly start: string;
  /** As of {@link MessageRow}. */
  readonly reply: string | null;
}

/** Ends a run at once. */
export interface TerminationRow extends Row {
  readonly kind: 'terminate';
  readonly workflow_id: string;
}

/** The children of a run follow its end. */
export interface ParentClosedRow extends Row {
  readonly kind: 'parent_closed';
  readonly workflow_id: null;
  readonly run_id: RunId;
}

/**
 * Locks what is due, for the transaction that delivers it. What a run sends to another one is blocked while something that it
 * has sent there before is another worker's just now, or not due: so nothing overtakes anything. It is given all the same, so that it
 * can be put off: what is only passed over would come first again, and keep what is behind it from being looked at.
 */
export const takeOutbox = command<{ readonly namespace: string; readonly limit: number }, OutboxRow>(
  'take outbox',
  (schema) => `
with due as materialized (
  select letter.id
  from ${schema}.outbox as letter
  where letter.namespace = :namespace
    -- Not clock_timestamp(), which no index can be searched by: every letter that was put off would be read.
    and letter.due_at <= statement_timestamp()
  order by letter.due_at, letter.id
  limit :limit
  for update skip locked
)
select
  letter.id::float8 as id, letter.source, letter.kind, letter.workflow_id, letter.actor_id, letter.run_id, letter.name, letter.payload,
  letter.start, letter.reply,
  exists (
    select 1
    from ${schema}.outbox as earlier
    where earlier.source = letter.source
      and earlier.workflow_id = letter.workflow_id
      and earlier.id < letter.id
      and not exists (select 1 from due as taken where taken.id = earlier.id)
  ) as blocked
from due
cross join lateral (
  select letter.*
  from ${schema}.outbox as letter
  where letter.id = due.id
  limit 1
) as letter
order by letter.id
`,
);
