import type { HistoryRow } from '../row-mapping.js';
import type { NO_ACTOR, RunRow } from '../run-mapping.js';
import { query } from '../statement.js';

export type OutcomeRow = Omit<RunRow, keyof typeof NO_ACTOR | 'failure'> &
  HistoryRow & { readonly ordinal: number };

/** Closed runs, each with the last entry of its history. */
export const readOutcomes = query<{ readonly runIds: string }, OutcomeRow>(
  'read outcomes',
  (schema) => `
select
  request.ordinal,
  run.id as run_id, run.actor_id, run.namespace, run.workflow_id, run.workflow, run.version, run.state,
  date_part('epoch', run.started_at) * 1000 as started_at,
  date_part('epoch', run.closed_at) * 1000 as closed_at,
  run.continued_to,
  date_part('epoch', run.deadline_at) * 1000 as deadline_at,
  run.attributes, run.lineage, run.details,
  last.seq, last.type, last.command_id, last.name, last.payload, last.facts,
  date_part('epoch', last.at) * 1000 as at
from unnest(:runIds::uuid[]) with ordinality as request(run_id, ordinal)
cross join lateral (
  select
    run.id, run.actor_id, run.namespace, run.workflow_id, run.workflow, run.version, run.state,
    run.started_at, run.closed_at, run.continued_to, run.last_seq, run.attributes, run.lineage, run.details, run.deadline_at
  from ${schema}.runs as run
  where run.id = request.run_id
    and run.state <> 'running'
  limit 1
) as run
cross join lateral (
  select entry.seq, entry.type, entry.command_id, entry.name, entry.payload, entry.facts, entry.at
  from ${schema}.history as entry
  where entry.run_id = run.id
    and entry.seq = run.last_seq
  limit 1
) as last
`,
);
