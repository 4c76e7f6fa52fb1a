import { setImmediate } from 'node:timers/promises';
import type { Journal } from '../../../journal/index.js';
import { range } from '../concurrency.js';
import type { Topic } from '../scenario.js';

/** A hint may be lost, so it is repeated until it is heard. */
async function notifyUntil(journal: Journal, hints: readonly string[], heard: () => boolean): Promise<void> {
  while (!heard()) {
    await journal.notify(hints);
    for (let i = 0; i < 100 && !heard(); i++) await setImmediate();
  }
}

export function hintsTopic({ test, expect }: Topic): void {
  test('a hint is heard by every listener, in this process and in another', async (s) => {
    const second = await s.harness.second();
    const heard = { here: new Set<string>(), there: new Set<string>() };
    const endHere = await s.journal.listen((hints) => hints.forEach((hint) => heard.here.add(hint)));
    const endThere = await second.listen((hints) => hints.forEach((hint) => heard.there.add(hint)));
    await notifyUntil(
      s.journal,
      ['order', 'refund, "quoted" \\ ü'],
      () => heard.here.size + heard.there.size === 4,
    );
    await notifyUntil(second, ['from there'], () => heard.here.size + heard.there.size === 6);
    expect([...heard.here]).toEqual(['order', 'refund, "quoted" \\ ü', 'from there']);
    expect([...heard.there].toSorted()).toEqual([...heard.here].toSorted());
    await endHere();
    await endThere();
  });

  test('who has ended listening hears nothing more', async (s) => {
    const heard: string[] = [];
    const others = new Set<string>();
    const end = await s.journal.listen((hints) => heard.push(...hints));
    await s.journal.listen((hints) => hints.forEach((hint) => others.add(hint)));
    await notifyUntil(s.journal, ['first'], () => heard.length > 0 && others.size > 0);
    await end();
    await end();
    const before = heard.length;
    await notifyUntil(s.journal, ['second'], () => others.has('second'));
    expect(heard.length).toBe(before);
  });

  test('many and long hints at once do not fail', async (s) => {
    const hints = range(300).map((i) => `${'workflow'.repeat(8)}-${i}`);
    const heard = new Set<string>();
    await s.journal.listen((some) => some.forEach((hint) => heard.add(hint)));
    await notifyUntil(s.journal, hints, () => heard.size === 300);
    expect([...heard].toSorted()).toEqual(hints.toSorted());
  });

  test('closing twice is harmless, also while somebody listens, and leaves other clients alone', async (s) => {
    const second = await s.harness.second();
    const run = await s.started();
    await second.listen(() => {});
    expect(await second.describe([{ ...run }])).toMatchObject([{ runId: run.runId }]);
    await second.close();
    await second.close();
    await s.describe(run);
    await s.started();
  });

  test('what one client has written, another reads at once', async (s) => {
    const second = await s.harness.second();
    const owner = await s.worker();
    const held = await s.held(owner);
    expect(await second.describe([{ ...held.run }])).toMatchObject([{ state: 'running' }]);
    await s.completes(held);
    expect(await second.outcomes([held.run.runId])).toMatchObject([{ last: { type: 'run_completed' } }]);
    expect(await second.heartbeat(owner)).toMatchObject({ type: 'alive' });
  });
}
