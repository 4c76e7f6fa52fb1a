import type { RefusalReason } from '../../port/index.js';
import { query } from '../statement.js';

export interface AnswerRow {
  readonly sent: boolean;
  readonly refused: RefusalReason | null;
  readonly failure: string | null;
  /** Whether the run goes on that it was sent to. */
  readonly open: boolean;
  /** Its `update_answered`, where there is one. */
  readonly seq: number | null;
  readonly type: string | null;
  readonly command_id: number | null;
  readonly name: string | null;
  readonly payload: string | null;
  readonly facts: string | null;
  readonly at: number | null;
}

/** What updates came to, in their order. One snapshot: an update without an answer and without its actor gets none any more. */
export const readAnswers = query<
  { readonly namespaces: string; readonly workflowIds: string; readonly updateIds: string },
  AnswerRow
>(
  'read answers',
  (schema) => `
select
  asked.update_id is not null as sent,
  asked.refused, asked.failure,
  present.id is not null as open,
  answer.seq, answer.type, answer.command_id, answer.name, answer.payload, answer.facts,
  date_part('epoch', answer.at) * 1000 as at
from unnest(:namespaces::text[], :workflowIds::text[], :updateIds::text[]) with ordinality
  as request(namespace, workflow_id, update_id, ordinal)
left join lateral (
  select known.update_id, known.actor_id, known.run_id, known.seq, known.refused, known.failure
  from ${schema}.updates as known
  where known.namespace = request.namespace
    and known.workflow_id = request.workflow_id
    and known.update_id = request.update_id
  limit 1
) as asked on true
left join lateral (
  select entry.seq, entry.type, entry.command_id, entry.name, entry.payload, entry.facts, entry.at
  from ${schema}.history as entry
  where entry.run_id = asked.run_id
    and entry.seq = asked.seq
  limit 1
) as answer on true
left join lateral (
  select actor.id
  from ${schema}.actors as actor
  where actor.id = asked.actor_id
  limit 1
) as present on true
order by request.ordinal
`,
);
