import { countOf, inParallel, race, range } from '../concurrency.js';
import { runCompleted, step } from '../entries.js';
import { COMPLETED, HOUR, type Topic } from '../scenario.js';

export function sendRaceTopic({ test, expect }: Topic): void {
  test('ten concurrent senders of two processes: no gap, and each finds its messages in its own order', async (s) => {
    const { run } = await s.held(await s.worker());
    const second = await s.harness.second();
    const numbers = await Promise.all(
      range(10).map(async (sender) => {
        const own: number[] = [];
        for (const i of range(20)) {
          const message = s.signal(run, { name: `sender-${sender}`, payload: `${i}` });
          own.push(await s.accepted(message, sender % 2 === 0 ? s.journal : second));
        }
        return own;
      }),
    );
    expect(numbers.flat().toSorted((a, b) => a - b)).toEqual(range(200).map((i) => i + 1));
    const inbox = await s.inboxOf(run);
    expect(inbox.map(({ n }) => n)).toEqual(range(200).map((i) => i + 1));
    for (const sender of range(10)) {
      const own = inbox.filter(({ name }) => name === `sender-${sender}`);
      expect(own.map(({ payload }) => payload)).toEqual(range(20).map((i) => `${i}`));
      expect(own.map(({ n }) => n)).toEqual(numbers[sender]);
    }
  });

  test('concurrent batches to the same targets in different order: no gap, no deadlock', async (s) => {
    const runs = (await s.heldMany(10, await s.worker())).map(({ run }) => run);
    const second = await s.harness.second();
    await inParallel(20, 4, async (i) => {
      const order = i % 2 === 0 ? runs : runs.toReversed();
      let rest = order.flatMap((run) => range(2).map((k) => s.signal(run, { dedupeId: `${i}.${k}` })));
      while (rest.length > 0) {
        const answers = await (i % 4 < 2 ? s.journal : second).send(rest);
        rest = rest.filter((_, at) => answers[at]?.type === 'again');
      }
    });
    for (const run of runs) {
      expect((await s.inboxOf(run)).map(({ n }) => n)).toEqual(range(40).map((n) => n + 1));
    }
  });

  test('of 20 concurrent senders of one dedupe id exactly one is accepted', async (s) => {
    const { run } = await s.held(await s.worker());
    const second = await s.harness.second();
    const message = s.signal(run, { dedupeId: 'payment-1' });
    const answers = await Promise.all(
      range(20).map((i) => s.send(message, i % 2 === 0 ? s.journal : second)),
    );
    expect(countOf(answers, 'accepted')).toBe(1);
    expect(countOf(answers, 'duplicate')).toBe(19);
    expect(await s.inboxOf(run)).toHaveLength(1);
  });

  test('send versus release: no wake is lost', async (s) => {
    const owner = await s.worker();
    const second = await s.harness.second();
    const released = await s.heldMany(300, owner);
    await inParallel(300, 10, async (i) => {
      const held = released[i];
      if (held === undefined) return;
      const wakeAt = i % 2 === 0 ? null : (await s.harness.now()) + HOUR;
      const [answer, sent] = await race(
        i,
        () => s.settles(held, { entries: [step('wait')], outcome: { type: 'release', wakeAt } }),
        () => s.send(s.signal(held.run), second),
      );
      expect(answer.type).toBe('applied');
      expect(sent.type).toBe('accepted');
    });
    const woken = await s.claimedIds(await s.worker());
    expect(woken).toEqual(released.map(({ run }) => run.workflowId).toSorted());
  });

  test('send versus close: an acknowledged signal is never lost, 1,000 times', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    const fates = { closed: 0, refused: 0 };
    for (const round of range(10)) {
      const runs = await s.heldMany(100, owner);
      await inParallel(runs.length, 10, async (i) => {
        const held = runs[i];
        if (held === undefined) return;
        const [answer, sent] = await race(
          i + round,
          () => s.settles(held, { entries: [runCompleted()], decides: true, outcome: COMPLETED }),
          () => s.send(s.signal(held.run, { dedupeId: `m-${i}` }), second),
        );
        if (answer.type === 'applied') {
          fates.closed++;
          expect(sent).toEqual({ type: 'not running', known: true });
        } else {
          fates.refused++;
          expect(answer).toEqual({ type: 'signals unread', inboxSeq: 1 });
          expect(sent).toMatchObject({ type: 'accepted', n: 1, owner });
          expect(await s.inboxOf(held.run)).toHaveLength(1);
          expect(await s.historyOf(held.run)).toHaveLength(1);
        }
      });
    }
    expect(fates.closed + fates.refused).toBe(1_000);
    expect(fates.closed).toBeGreaterThan(0);
    expect(fates.refused).toBeGreaterThan(0);
  });

  test('send versus the beginning of a rollback: an acknowledged signal was there before it', async (s) => {
    const second = await s.harness.second();
    const runs = await s.heldMany(100, await s.worker());
    await inParallel(100, 10, async (i) => {
      const held = runs[i];
      if (held === undefined) return;
      const [answer, sent] = await race(
        i,
        () => s.settles(held, { entries: [step('undo')], decides: true, outcome: { type: 'roll back' } }),
        () => s.send(s.signal(held.run), second),
      );
      expect(sent).toMatchObject(
        answer.type === 'applied' ? { type: 'not running', known: true } : { type: 'accepted', n: 1 },
      );
      expect(answer.type === 'applied' || answer.type === 'signals unread').toBe(true);
    });
  });

  test('own turn and a message to the same actor at the same time: both count', async (s) => {
    const second = await s.harness.second();
    const runs = await s.heldMany(100, await s.worker());
    await inParallel(100, 10, async (i) => {
      const held = runs[i];
      if (held === undefined) return;
      await s.accepted(s.signal(held.run));
      const [answer, n] = await race(
        i,
        () => s.settles(held, { entries: [step('a')], consumedThrough: 1 }),
        () => s.accepted(s.signal(held.run), second),
      );
      expect(answer.type).toBe('applied');
      expect(n).toBe(2);
      expect((await s.inboxOf(held.run)).map((message) => message.n)).toEqual([2]);
      expect(await s.settles(held, { entries: [step('b')], consumedThrough: 2 })).toEqual({
        type: 'applied',
        inboxSeq: 2,
      });
    });
  });
}
