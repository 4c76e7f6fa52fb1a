import { describe, expect, it } from '@jest/globals';
import { countWork } from '../support/count-work.js';
import { gate } from '../support/gate.js';
import { openStages } from '../support/open-stages.js';
import { activity } from '../support/stage.js';
import type { ScriptedWorkflow } from '../support/stage.js';

const each: ScriptedWorkflow = {
  make: ({ ctx, act }) => ({
    run: async (count) => {
      const items = Array.from({ length: count as number }, (_, i) => i);
      const results = await ctx.map(items, (item) => act('double', item));
      return results.reduce((sum: number, n) => sum + (n as number), 0);
    },
  }),
};

describe('ctx.map in a worker', () => {
  const open = openStages();

  it.each(['sticky', 'always replay'] as const)(
    '%s: no more run at a time than asked for',
    async (residency) => {
      let [running, most] = [0, 0];
      const three = gate();
      const work = async (_: unknown, n: number): Promise<number> => {
        most = Math.max(most, ++running);
        if (most === 3) three.open();
        await three.opened;
        running--;
        return n * 2;
      };
      const stage = await open({
        settings: { residency },
        activities: [activity('double', work)],
        workflows: [
          {
            make: ({ ctx, act }) => ({
              run: () => ctx.map([1, 2, 3, 4, 5, 6, 7], (n) => act('double', n), { concurrency: 3 }),
            }),
          },
        ],
      });
      expect(await stage.client.execute('scripted')).toEqual([2, 4, 6, 8, 10, 12, 14]);
      expect(most).toBe(3);
    },
  );

  it('10,000 items of one run cost no more each than 1,000 do', async () => {
    const stage = await open({
      // The second fold looks at the whole history in every turn, in development only.
      settings: { replayCheck: false },
      activities: [activity('double', (_, n: number) => n * 2)],
      workflows: [each],
    });
    const workOf = async (count: number): Promise<number> => {
      let sum: unknown;
      const work = await countWork(async () => {
        sum = await stage.client.execute('scripted', count);
      });
      expect(sum).toBe(count * (count - 1));
      return work / count;
    };
    const [few, lots] = [await workOf(1_000), await workOf(10_000)];
    expect(lots).toBeLessThan(few * 3);
  }, 120_000);
});
