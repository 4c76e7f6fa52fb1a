import { describe, expect, it } from '@jest/globals';
import { asRunId, JournalUnavailableError } from '../../lib/journal/index.js';
import type { StartRequest } from '../../lib/journal/index.js';
import { startTogether, startWithin } from '../../lib/journal/postgres/start-runs.js';
import type { StatementRunner, Statement, Values } from '../../lib/journal/postgres/statement.js';

const request = (n: number): StartRequest => ({
  runId: asRunId(`01890000-0000-7000-8000-00000000000${n}`),
  namespace: 'default',
  workflowId: `w${n}`,
  workflow: 'w',
  version: 1,
  priority: 2,
  input: '[]',
  startAt: null,
  onConflict: 'fail',
  onReuse: 'allow',
  attributes: null,
  first: null,
});
const [first, second] = [request(1), request(2)];
const gone = new JournalUnavailableError('connection reset', false);

/** Starts the first run; the look at what is in the way of the second one fails. */
const sql: StatementRunner = {
  run<V extends Values, Row>({ effect }: Statement<V, Row>, { ids }: V): Promise<Row[]> {
    if (effect === 'read') return Promise.reject(gone);
    const born = String(ids).includes(first.runId)
      ? [{ id: first.runId, token: 0, deadline_at: null, chain_deadline_at: null, run_limit: null }]
      : [];
    // The cast: only the statement that starts runs writes here, and these are its rows.
    return Promise.resolve(born as Row[]);
  },
};

describe('starts of one statement, and the look behind it', () => {
  it('tell what was started where the look fails', async () => {
    await expect(startTogether(sql, [first, second])).resolves.toEqual([
      { type: 'started', runId: first.runId, token: 0 },
      { type: 'unanswered', error: gone },
    ]);
  });

  it('throw where nothing was started, and within a transaction, which takes everything back', async () => {
    await expect(startTogether(sql, [second])).rejects.toBe(gone);
    await expect(startWithin(sql, [first, second])).rejects.toBe(gone);
  });
});
