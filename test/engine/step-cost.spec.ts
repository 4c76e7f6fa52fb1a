import { createHook } from 'node:async_hooks';
import { afterEach, describe, expect, it } from '@jest/globals';
import { activity, Stage } from '../support/stage.js';

const STEPS = 10;

/** What a step costs, by counts that no machine and no load changes. `npm run bench` measures the rest. */
describe('a step', () => {
  let stage: Stage;
  afterEach(() => stage.close());

  const counted = async (inFlight: number, workflows: number): Promise<(type: string) => number> => {
    const counts = new Map<string, number>();
    const hook = createHook({ init: (_, type) => void counts.set(type, (counts.get(type) ?? 0) + 1) });
    let begun = 0;
    const worker = async (): Promise<void> => {
      while (begun++ < workflows) await stage.client.execute('scripted', 0);
    };
    hook.enable();
    await Promise.all(Array.from({ length: inFlight }, worker));
    hook.disable();
    return (type) => (counts.get(type) ?? 0) / (workflows * STEPS);
  };

  it('makes few promises, immediates and timers', async () => {
    stage = await Stage.open({
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
});
