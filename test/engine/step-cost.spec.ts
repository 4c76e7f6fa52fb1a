import { createHook } from 'node:async_hooks';
import { afterEach, describe, expect, it } from '@jest/globals';
import { InMemoryJournal } from '../../lib/journal/in-memory/index.js';
import type { Journal } from '../../lib/journal/index.js';
import { activity, Stage } from '../support/stage.js';

const STEPS = 10;

/** Writes down which verbs are called. On Postgres each call is one statement. */
const watched = (journal: Journal, verbs: string[]): Journal =>
  new Proxy(journal, {
    get(target, verb) {
      const own: unknown = Reflect.get(target, verb);
      if (typeof own !== 'function') return own;
      return (...args: unknown[]) => {
        verbs.push(String(verb));
        return Reflect.apply(own, target, args) as unknown;
      };
    },
  });

/** What a step costs, by counts that no machine and no load changes. `npm run bench` measures the rest. */
describe('a step', () => {
  let stage: Stage;
  const verbs: string[] = [];
  afterEach(() => stage.close());

  const counted = async (inFlight: number, workflows: number): Promise<(type: string) => number> => {
    const counts = new Map<string, number>();
    const hook = createHook({ init: (_, type) => void counts.set(type, (counts.get(type) ?? 0) + 1) });
    let begun = 0;
    const worker = async (): Promise<void> => {
      while (begun++ < workflows) await stage.client.execute('scripted', 0);
    };
    verbs.length = 0;
    hook.enable();
    await Promise.all(Array.from({ length: inFlight }, worker));
    hook.disable();
    return (type) => (counts.get(type) ?? 0) / (workflows * STEPS);
  };

  const open = async (): Promise<void> => {
    stage = await Stage.open({
      journal: watched(new InMemoryJournal(), verbs),
      activities: [activity('add', (_, n: number) => Promise.resolve(n + 1))],
      workflows: [
        {
          make: ({ act }) => ({
            async run() {
              let sum = 0;
              for (let step = 0; step < STEPS; step++) sum = (await act('add', sum)) as number;
              return sum;
            },
          }),
        },
      ],
      // As in production: without the second fold.
      settings: { replayCheck: false, runs: 500, activities: 500 },
    });
  };

  it('makes few promises, immediates and timers', async () => {
    await open();
    await counted(20, 40);
    // So few that no phase runs out of its time, which would make it a matter of the machine.
    const many = await counted(20, 200);
    expect(many('PROMISE')).toBeLessThan(14);
    expect(many('Immediate')).toBeLessThan(3.3);
    expect(many('Timeout')).toBeLessThan(0.1);
    // An empty context for the attempt, and for the turn that takes its end.
    expect(many('CONTINUUM')).toBeLessThan(2);
    const alone = await counted(1, 40);
    expect(alone('PROMISE')).toBeLessThan(32);
    expect(alone('Immediate')).toBeLessThan(5);
  });

  it('is committed together with those of other runs, and reads nothing', async () => {
    await open();
    const called = (verb: string): number => verbs.filter((other) => other === verb).length;
    await counted(1, 10);
    // The first turn is written with the start.
    expect([called('start'), called('commit')]).toEqual([10, 10 * STEPS]);
    await counted(20, 100);
    expect(called('commit')).toBeLessThan((100 * STEPS) / 3);
    expect(['load', 'send', 'outcomes', 'describe', 'claim'].filter((verb) => called(verb) > 10)).toEqual([]);
  });
});
