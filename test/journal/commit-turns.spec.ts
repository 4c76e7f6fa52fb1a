import { describe, expect, it } from '@jest/globals';
import { actorOf, asRunId, asWorkerId, JournalUnavailableError } from '../../lib/journal/index.js';
import type { Turn } from '../../lib/journal/index.js';
import { commitTurns } from '../../lib/journal/postgres/commit-turns.js';
import type { StatementRunner } from '../../lib/journal/postgres/statement.js';

const runId = asRunId('01890000-0000-7000-8000-000000000001');
const turn: Turn = {
  lease: {
    owner: asWorkerId('01890000-0000-7000-8000-000000000002'),
    actorId: actorOf(runId),
    runId,
    token: 1,
  },
  previousSeq: 1,
  entries: [{ type: 'timer_cancelled', at: 1_700_000_000_000, of: 1 }],
  consumedThrough: 3,
  decides: false,
  firedUpTo: null,
  outcome: { type: 'keep' },
};

/** A server that answers every statement with these rows. */
const answering = (...rows: readonly unknown[]): StatementRunner => ({
  // The cast: what rows a statement has is the server's word, and this one is not to be trusted.
  run: <Row>() => Promise.resolve(rows as Row[]),
});

describe('the answer to a commit', () => {
  it('says that all have applied by telling of none', async () => {
    await expect(commitTurns(answering({ judged: 2, others: null }), [turn, turn], '')).resolves.toEqual([
      { type: 'applied', inboxSeq: 3 },
      { type: 'applied', inboxSeq: 3 },
    ]);
  });

  it.each([
    ['no row', []],
    ['fewer turns than were sent', [{ judged: 1, others: null }]],
    ['more turns than were sent', [{ judged: 3, others: null }]],
  ])('is in doubt when it has %s, so that the fences are moved', async (_, rows) => {
    const error: unknown = await commitTurns(answering(...rows), [turn, turn], '').catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(JournalUnavailableError);
    expect(error).toMatchObject({ ambiguous: true });
  });
});
