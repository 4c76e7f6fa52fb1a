import { type Lock, type Statement, command } from '../statement.js';
import type { ActorId, WorkerId } from '../../ids.js';

export interface SendMessages {
  readonly [name: string]: string;
  /** Of every workflow id that messages go to, once, and in one order: two that wait do not wait for each other. */
  readonly namespaces: string;
  readonly workflowIds: string;
  /** Of every message: the place of its target, from 1. */
  readonly targets: string;
  readonly runIds: string;
  readonly onlyActors: string;
  readonly kinds: string;
  readonly names: string;
  readonly payloads: string;
  readonly checks: string;
  readonly dedupeIds: string;
  /** Whether the dedupe id was in this batch before. */
  readonly repeated: string;
}

export interface SendAsked extends SendMessages {
  readonly bys: string;
  /** Of the rows of operations. */
  readonly facts: string;
}

export interface SentMessage {
  readonly answer: 'accepted' | 'duplicate' | 'again' | 'not running';
  readonly actor_id: ActorId | null;
  readonly n: number | null;
  readonly owner: WorkerId | null;
  readonly known: boolean;
  /** The run is there, and rolls back. */
  readonly closing: boolean;
}

/**
 * Puts messages into inboxes, and numbers them. The lock on the actor's row makes the order of arrival the order of commits.
 * Only messages that were not sent before are counted, so that the numbers have no gaps.
 */
const textFor =
  (lock: Lock, asked: boolean) =>
  (schema: string): string => `
with message as materialized (
  select *
  from unnest(
    :targets::int[], :runIds::uuid[], :kinds::text[], :names::text[], :payloads::json[],
    :checks::text[], :dedupeIds::text[], :repeated::boolean[], :onlyActors::uuid[]
    ${asked ? ', :bys::text[], :facts::json[]' : ''}
  ) with ordinality as message(
    target, run_id, kind, name, payload,
    checked_by, message_id, repeated, only_actor, ${asked ? 'by, facts, ' : ''}ordinal
  )
),
target as materialized (
  select target.ordinal, target.namespace, target.workflow_id, actor.id, actor.run_id, actor.closing, seen.id as seen
  from unnest(:namespaces::text[], :workflowIds::text[]) with ordinality as target(namespace, workflow_id, ordinal)
  left join lateral (
    select actor.id, actor.run_id, actor.closing
    from ${schema}.actors as actor
    where actor.namespace = target.namespace
      and actor.workflow_id = target.workflow_id
    for no key update ${lock}
  ) as actor on true
  left join lateral (
    -- Without a lock: tells a row that somebody else holds, or that changed, from one that is not there.
    select present.id
    from ${schema}.actors as present
    where present.namespace = target.namespace
      and present.workflow_id = target.workflow_id
      and actor.id is null
    limit 1
  ) as seen on true
),
judged as materialized (
  select
    message.*,
    target.namespace, target.workflow_id,
    target.id as actor_id,
    ${asked ? 'target.run_id as reached,' : ''}
    target.seen is not null as again,
    coalesce(
      target.closing
        and (message.run_id is null or message.run_id = target.run_id)
        and (message.only_actor is null or message.only_actor = target.id),
      false
    ) as closing,
    target.id is not null
      -- A run that rolls back still takes the results of its own activities, and the ends of its children.
      and (not target.closing or message.kind in ('activity_result', 'child_end', 'message_result'))
      and (message.run_id is null or message.run_id = target.run_id)
      and (message.only_actor is null or message.only_actor = target.id) as admitted
  from message
  join target on target.ordinal = message.target
),
fresh_id as (
  -- An insert sees what is committed now; a look into the table would see the snapshot only.
  insert into ${schema}.message_ids as known (namespace, workflow_id, message_id)
  select namespace, workflow_id, message_id
  from judged
  where admitted
    and message_id is not null
    and kind <> 'update'
    and not repeated
  order by namespace, workflow_id, message_id
  -- Named, so that nothing but the same id is told as a duplicate.
  on conflict (namespace, workflow_id, message_id) do nothing
  returning known.namespace, known.workflow_id, known.message_id
),
fresh_update as (
  -- Ids of updates have a table of their own, which tells their answers too.
  insert into ${schema}.updates as known (namespace, workflow_id, update_id, actor_id, name)
  select namespace, workflow_id, message_id, actor_id, name
  from judged
  where admitted
    and kind = 'update'
    and not repeated
  order by namespace, workflow_id, message_id
  on conflict (namespace, workflow_id, update_id) do nothing
  returning known.namespace, known.workflow_id, known.update_id
),
taken as materialized (
  select
    judged.*,
    row_number() over (partition by judged.actor_id order by judged.ordinal) as place
  from judged
  left join fresh_id
    on fresh_id.namespace = judged.namespace
    and fresh_id.workflow_id = judged.workflow_id
    and fresh_id.message_id = judged.message_id
    and judged.kind <> 'update'
  left join fresh_update
    on fresh_update.namespace = judged.namespace
    and fresh_update.workflow_id = judged.workflow_id
    and fresh_update.update_id = judged.message_id
    and judged.kind = 'update'
  where judged.admitted
    and (
      judged.message_id is null
      or (not judged.repeated and coalesce(fresh_id.message_id, fresh_update.update_id) is not null)
    )
),
arrived as materialized (
  select
    actor_id,
    count(*) as messages,
    max(place) filter (where kind in ('signal', 'update')) as last_signal,
    bool_or(kind = 'cancel') as cancels
  from taken
  group by actor_id
),
counted as (
  update ${schema}.actors as actor
  set inbox_seq = actor.inbox_seq + arrived.messages,
      signal_seq = coalesce(actor.inbox_seq + arrived.last_signal, actor.signal_seq),
      -- The index that claims go by is left alone while the actor is leased.
      wake_at = case
        when actor.lease_owner is not null then actor.wake_at
        -- A run that has not begun need not wait for its time to be cancelled.
        when arrived.cancels and actor.inbox_consumed = 0 and actor.failed_turns = 0 then least(actor.wake_at, now())
        else greatest(least(actor.wake_at, now()), actor.not_before)
      end,
      not_before = case
        when actor.lease_owner is null
          and arrived.cancels and actor.inbox_consumed = 0 and actor.failed_turns = 0 then null
        else actor.not_before
      end
  from arrived
  where actor.id = arrived.actor_id
  returning actor.id, actor.inbox_seq - arrived.messages as before, actor.lease_owner
),
delivered as (
  insert into ${schema}.inbox (actor_id, n, kind, name, payload, checked_by, for_run, message_id, ${asked ? 'by, ' : ''}at)
  select
    taken.actor_id, counted.before + taken.place, taken.kind, taken.name, taken.payload, taken.checked_by,
    -- Its successor has activities of its own, under the same numbers.
    case when taken.kind = 'activity_result' then taken.run_id end,
    case when taken.kind = 'update' then taken.message_id end,
    ${asked ? 'taken.by,' : ''}
    clock_timestamp()
  from taken
  join counted on counted.id = taken.actor_id
)${asked ? noted(schema) : ''}
select
  case
    when taken.ordinal is not null then 'accepted'
    when judged.again then 'again'
    when judged.admitted or sent_before.message_id is not null or asked_before.update_id is not null then 'duplicate'
    else 'not running'
  end as answer,
  judged.actor_id,
  counted.before + taken.place as n,
  counted.lease_owner as owner,
  any_run.id is not null
    or coalesce(named_run.namespace = judged.namespace and named_run.workflow_id = judged.workflow_id, false) as known,
  judged.closing
from judged
left join taken on taken.ordinal = judged.ordinal
left join counted on counted.id = taken.actor_id
left join lateral (
  select known.message_id
  from ${schema}.message_ids as known
  where not judged.admitted
    and judged.kind <> 'update'
    and known.namespace = judged.namespace
    and known.workflow_id = judged.workflow_id
    and known.message_id = judged.message_id
  limit 1
) as sent_before on true
left join lateral (
  select known.update_id
  from ${schema}.updates as known
  where not judged.admitted
    and judged.kind = 'update'
    and known.namespace = judged.namespace
    and known.workflow_id = judged.workflow_id
    and known.update_id = judged.message_id
  limit 1
) as asked_before on true
left join lateral (
  select run.id
  from ${schema}.runs as run
  where not judged.admitted
    and judged.run_id is null
    and run.workflow_id = judged.workflow_id
    and (run.namespace = judged.namespace) is true
  limit 1
) as any_run on true
left join lateral (
  select run.namespace, run.workflow_id
  from ${schema}.runs as run
  where not judged.admitted
    and run.id = judged.run_id
  limit 1
) as named_run on true
order by judged.ordinal
`;

/** Who sent which message, of those that somebody has. */
const noted = (schema: string): string => `,
noted as (
  insert into ${schema}.operations (namespace, workflow_id, run_id, verb, by, outcome, facts)
  select taken.namespace, taken.workflow_id, taken.reached, taken.kind, taken.by, 'applied', taken.facts
  from taken
  where taken.by is not null
  order by taken.ordinal
)`;

const sendMessages = (lock: Lock): Statement<SendMessages, SentMessage> =>
  command(`send messages ${lock}`, textFor(lock, false));
const sendAsked = (lock: Lock): Statement<SendAsked, SentMessage> =>
  command(`send asked ${lock}`, textFor(lock, true));

export const SEND_MESSAGES: Readonly<Record<Lock, Statement<SendMessages, SentMessage>>> = {
  'skip locked': sendMessages('skip locked'),
  '': sendMessages(''),
};

/** The same where it is known of a message who sent it. In a statement of its own, so that all others need not ask. */
export const SEND_ASKED: Readonly<Record<Lock, Statement<SendAsked, SentMessage>>> = {
  'skip locked': sendAsked('skip locked'),
  '': sendAsked(''),
};
