import { only } from '../concurrency.js';
import type { Topic } from '../scenario.js';

/** JSON texts as codecs write them: they come back byte for byte, spaces, escapes and order of members included. */
const TEXTS: Readonly<Record<string, string>> = {
  'an escaped \\u0000': '{"a":"\\u0000","\\u0000":[1]}',
  'escaped halves of surrogate pairs': '["\\ud800","\\udc00x","\\ud83d\\ude00"]',
  'characters of every length': '"aß€😀"',
  'spaces, and members in their order, twice': '{ "b" : 1,\n\t"a":2, "b":3 }',
  'numbers as they were written': '[1.0,-0,1e400,12345678901234567890,0.1]',
  'quotes and backslashes': '"\\"\\\\\\/\\b\'"',
  null: 'null',
  'an empty string': '""',
};

export function valuesTopic({ test, expect }: Topic): void {
  for (const [what, text] of Object.entries(TEXTS)) {
    test(`${what}: the same bytes in the input, a message and an entry`, async (s) => {
      const run = await s.started({ input: text });
      await s.accepted(s.signal(run, { payload: text }));
      await s.accepted(s.cancel(run, { payload: text }));
      expect((await s.inboxOf(run)).map(({ payload }) => payload)).toEqual([text, text, text]);
      const held = await s.held(await s.worker());
      const outcome = { type: 'value', value: text } as const;
      await s.applies(held, {
        entries: [
          { type: 'side_effect_recorded', at: 1, id: 0, name: null, outcome },
          { type: 'signal_received', at: 1, name: 'n', payload: text, arrivedAt: 1, hold: false },
        ],
      });
      expect(await s.historyOf(held.run, 1)).toMatchObject([{ outcome: { value: text } }, { payload: text }]);
    });
  }

  test('a payload of 2 MB is fine everywhere', async (s) => {
    const big = JSON.stringify('0123456789abcdé\u0000'.repeat(95_000));
    expect(Buffer.byteLength(big)).toBeGreaterThan(2_000_000);
    const run = await s.started({ input: big });
    await s.accepted(s.signal(run, { payload: big }));
    const payloads = (await s.inboxOf(run)).map(({ payload }) => payload === big);
    expect(payloads).toEqual([true, true]);
    const held = await s.held(await s.worker());
    await s.applies(held, {
      entries: [{ type: 'activity_completed', at: 1, id: 0, result: big }],
    });
    const entry = only(await s.historyOf(held.run, 1));
    expect(entry.type === 'activity_completed' && entry.result === big).toBe(true);
    await s.applies(held, {
      entries: [{ type: 'run_completed', at: 1, result: big, abandoned: [], unreadSignals: 0 }],
      decides: true,
      outcome: { type: 'close', state: 'completed' },
    });
    const [outcome] = await s.journal.outcomes([held.run.runId]);
    expect(outcome?.last.type === 'run_completed' && outcome.last.result === big).toBe(true);
  });

  test('a batch with many large turns is applied whole', async (s) => {
    const all = await s.heldMany(12, await s.worker());
    const text = JSON.stringify('x'.repeat(500_000));
    const turns = all.map((held) =>
      s.turn(held, { entries: [{ type: 'activity_completed', at: 1, id: 0, result: text }] }),
    );
    expect(await s.journal.commit(turns)).toEqual(turns.map(() => ({ type: 'applied', inboxSeq: 0 })));
    for (const { run } of all) expect(await s.historyOf(run)).toHaveLength(2);
  });

  test('times, numbers and fractions of a millisecond come back as they were', async (s) => {
    const held = await s.held(await s.worker());
    const at = 1_700_000_000_123.25;
    await s.applies(held, {
      entries: [{ type: 'timer_started', at, id: 0, name: 'sleep', args: '[0.5]', firesAt: at + 0.5 }],
    });
    expect(await s.historyOf(held.run, 1)).toMatchObject([{ at, firesAt: at + 0.5 }]);
  });

  test('a time that no run will see is a wake time as any other', async (s) => {
    const held = await s.held(await s.worker());
    await s.releases(held, 8_000_000_000_000);
    expect(await s.claimedIds(await s.worker())).toEqual([]);
    await s.accepted(s.signal(held.run));
    const again = await s.reclaimed(await s.worker(), held.run);
    await s.releases({ ...again, consumed: 1 }, (await s.harness.now()) + 0.25);
  });
}
