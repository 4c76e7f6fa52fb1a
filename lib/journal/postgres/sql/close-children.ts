import { command } from '../statement.js';

/** Says what becomes of some children of a run that has ended, each once. One that somebody has locked comes later. */
export const closeChildren = command<
  { readonly namespace: string; readonly source: string; readonly runId: string; readonly limit: number },
  { readonly marked: number; readonly left: boolean }
>(
  'close children',
  (schema) => `
with portion as materialized (
  select child.id, child.workflow_id, child.parent_close
  from ${schema}.actors as child
  where child.parent_run_id = :runId::uuid
    and child.parent_close in ('cancel', 'terminate')
  limit :limit
  for no key update skip locked
),
marked as (
  update ${schema}.actors as child
  set parent_close = null
  from portion
  where child.id = portion.id
  returning child.id, portion.workflow_id, portion.parent_close
),
sent as (
  insert into ${schema}.outbox (namespace, source, kind, workflow_id, actor_id)
  select :namespace, :source::uuid, parent_close, workflow_id, id
  from marked
)
select
  (select count(*)::int from marked) as marked,
  exists (
    select 1
    from ${schema}.actors as child
    where child.parent_run_id = :runId::uuid
      and child.parent_close in ('cancel', 'terminate')
      and not exists (select 1 from portion where portion.id = child.id)
  ) as left
`,
);
