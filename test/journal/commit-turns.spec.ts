import { describe, expect, it } from '@jest/globals';
import {
  actorOf,
  asRunId,
  asWorkerId,
  ContentionError,
  JournalRefusedError,
  JournalUnavailableError,
} from '../../lib/journal/index.js';
import type { Turn } from '../../lib/journal/index.js';
import { commitApart, commitTurns } from '../../lib/journal/postgres/commit-turns.js';
import { untilDone } from '../../lib/journal/postgres/held-rows.js';
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

/** Turns of as many runs, of which those at `starting` start a child. */
const turnsOf = (count: number, ...starting: readonly number[]): readonly Turn[] =>
  Array.from({ length: count }, (_, i): Turn => {
    const id = asRunId(`01890000-0000-7000-8000-0000000001${String(i).padStart(2, '0')}`);
    const link = { workflowId: 'w', runId: id };
    const child = {
      runId: id,
      workflowId: `child ${i}`,
      workflow: 'order',
      version: 1,
      input: 'null',
      command: 0,
      parentClose: 'cancel',
      lineage: { parent: link, root: link, depth: 1 },
      confirms: false,
    } as const;
    const lease = { ...turn.lease, runId: id, actorId: actorOf(id) };
    return { ...turn, lease, ...(starting.includes(i) && { children: [child] }) };
  });

/** A server that fails a statement with any of these turns, and tells which turns each statement was about. */
const failing = (errors: Readonly<Record<number, () => Error>>) => {
  const asked: number[][] = [];
  const sql: StatementRunner = {
    run: <Row>(_: unknown, values: Readonly<Record<string, unknown>>) => {
      const places = String(values['actorIds'])
        .match(/\d\d(?=[",}])/g)!
        .map(Number);
      asked.push(places);
      const error = places.map((place) => errors[place]).find((made) => made !== undefined);
      // The cast: as above.
      return error
        ? Promise.reject(error())
        : Promise.resolve([{ judged: places.length, others: null }] as Row[]);
    },
  };
  return { sql, asked };
};
const contended = (): Error => new ContentionError('Somebody has started this child.');
const refused = (): Error => new JournalRefusedError('This cannot be stored.');
const lostInDoubt = (): Error => new JournalUnavailableError('The connection ended.', true);

describe('a batch with a child whose workflow id an open transaction has started', () => {
  it('first commits what starts no child, and then the others by halves', async () => {
    const { sql, asked } = failing({ 5: contended });
    const answers = await commitApart(sql, turnsOf(8, 1, 5, 7), '');
    expect(answers.map(({ type }) => type)).toEqual(
      Array.from({ length: 8 }, (_, i) => (i === 5 ? 'busy' : 'applied')),
    );
    expect(asked.slice(1)).toEqual([[0, 2, 3, 4, 6], [1, 5, 7], [1], [5, 7], [5], [7]]);
  });

  it('keeps what was committed when a later part fails: that comes again, and alone', async () => {
    const { sql } = failing({ 1: contended, 3: refused });
    const turns = turnsOf(4, 1, 3);
    // The first statement is contended by the first of them.
    const answers = await commitApart(sql, turns, '');
    expect(answers.map(({ type }) => type)).toEqual(['applied', 'busy', 'applied', 'busy']);
    await expect(commitApart(sql, [turns[3]!], '')).rejects.toBeInstanceOf(JournalRefusedError);
  });

  it('is in doubt as a whole when a later part is, so that the fences are moved', async () => {
    const { sql } = failing({ 1: contended, 3: lostInDoubt });
    await expect(commitApart(sql, turnsOf(4, 1, 3), '')).rejects.toMatchObject({ ambiguous: true });
  });
});

describe('what is tried until it is done', () => {
  const tried = (error: () => Error): Promise<readonly string[]> =>
    untilDone(
      [0, 1],
      async (left) => {
        if (left.length < 2) throw error();
        return ['done', 'undone'];
      },
      'undone',
      (answer) => answer === 'undone',
    );

  it('keeps the answers of one try when the next one fails', async () => {
    await expect(tried(refused)).resolves.toEqual(['done', 'undone']);
    await expect(tried(lostInDoubt)).rejects.toMatchObject({ ambiguous: true });
  });
});
