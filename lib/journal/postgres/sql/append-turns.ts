import { type Lock, type Statement, command } from '../statement.js';
import {
  type JudgeTurns,
  type JudgedTurns,
  JUDGEMENT,
  judgedTurns,
  recordedEntries,
} from './judged-turns.js';

/**
 * Commits turns whose holders go on: by far the most common batch. It appends, and writes an actor's row only where the
 * turn has consumed messages or is the first one that applies after a failed one.
 */
const appendTurns = (lock: Lock): Statement<JudgeTurns, JudgedTurns> =>
  command(
    `append turns ${lock}`,
    (schema) => `
with ${judgedTurns(schema, lock)},
${recordedEntries(schema)},
touched as materialized (
  select actor_id, consumed, entries.exist as appends
  from judged
  cross join lateral (
    select ordinal = any(:entryTurns::int[]) as exist
  ) as entries
  where answer = 'applied'
    and (consumed > inbox_consumed or failed_turns > 0 or blocked is not null)
),
updated as (
  update ${schema}.actors as actor
  set inbox_consumed = greatest(actor.inbox_consumed, touched.consumed),
      failed_turns = case when touched.appends then 0 else actor.failed_turns end,
      blocked = case when touched.appends then null else actor.blocked end,
      blocked_since = case when touched.appends then null else actor.blocked_since end,
      blocked_build = case when touched.appends then null else actor.blocked_build end
  from touched
  where actor.id = touched.actor_id
),
consumed as (
  delete from ${schema}.inbox as message
  using touched
  cross join lateral (
    select read.ctid as place
    from ${schema}.inbox as read
    where read.actor_id = touched.actor_id
      and read.n <= touched.consumed
    offset 0
  ) as read
  where message.ctid = read.place
)${JUDGEMENT}
`,
  );

export const APPEND_TURNS: Readonly<Record<Lock, Statement<JudgeTurns, JudgedTurns>>> = {
  'skip locked': appendTurns('skip locked'),
  '': appendTurns(''),
};
