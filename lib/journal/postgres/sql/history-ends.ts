import type { RunState } from '../../port/index.js';
import { query } from '../statement.js';

export interface HistoryEnd {
  readonly last_seq: number;
  /** `null` for a run that is not known. */
  readonly state: RunState | null;
  /** Of a closed run: the token it was closed under. */
  readonly token: number | null;
}

/** Where histories end, in the order of the runs. */
export const historyEnds = query<{ readonly runIds: string }, HistoryEnd>(
  'history ends',
  (schema) => `
select coalesce(tail.seq, 0) as last_seq, run.state, run.lease_token as token
from unnest(:runIds::uuid[]) with ordinality as request(run_id, ordinal)
left join lateral (
  select run.state, run.lease_token
  from ${schema}.runs as run
  where run.id = request.run_id
  limit 1
) as run on true
left join lateral (
  select entry.seq
  from ${schema}.history as entry
  where entry.run_id = request.run_id
  order by entry.seq desc
  limit 1
) as tail on true
order by request.ordinal
`,
);
