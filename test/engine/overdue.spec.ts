import { describe, expect, it } from '@jest/globals';
import { TimeoutFailure } from '../../lib/core/index.js';
import { OverdueSweeper } from '../../lib/dispatch/index.js';
import { JournalError } from '../../lib/journal/index.js';
import type { OverdueAnswer, OverdueRun } from '../../lib/journal/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { gate } from '../support/gate.js';
import { openStages } from '../support/open-stages.js';
import { activity } from '../support/stage.js';
import type { ScriptedWorkflow, Stage } from '../support/stage.js';

const HOUR = 3_600_000;

const pays: ScriptedWorkflow = {
  name: 'pays',
  queries: ['paid'],
  make: ({ ctx, act }) => {
    let paid = false;
    return {
      run: async () => {
        await act('pay');
        paid = true;
        await ctx.nonCancellable(() => ctx.condition(() => false));
      },
      paid: () => paid,
    };
  },
};
const other: ScriptedWorkflow = { name: 'other', make: () => ({ run: () => Promise.resolve(null) }) };

describe('A run whose time is over, and that nobody serves', () => {
  const open = openStages();
  const unpay = activity('unpay', () => null);
  const activities = [activity('pay', () => 'receipt', { compensation: unpay }), unpay];

  /** It has paid, its worker is gone, and so much time has passed. */
  async function left(ms: number) {
    let late = 0;
    const store = new InMemoryStore({ clock: () => Date.now() + late });
    const first = await open({ journal: new InMemoryJournal(store), activities, workflows: [pays] });
    const { workflowId } = await first.client.start('pays', null, { executionTimeout: '1 minute' });
    await first.recorder.until('turn committed', ({ entries }) => entries === 1);
    await first.runtime.drain();
    late = ms;
    const stage = await open({ journal: new InMemoryJournal(store), activities, workflows: [other] });
    return { stage, workflowId, store };
  }

  const sweeperOf = ({ journal, runtime }: Stage, ended: OverdueRun[]): OverdueSweeper =>
    new OverdueSweeper(
      journal,
      'default',
      '{"name":"TimeoutFailure","message":"late"}',
      (run) => ended.push(run),
      HOUR,
      runtime.journalRetry,
    );

  it('ends, and whoever waits for it is told what was not undone', async () => {
    const { stage, workflowId } = await left(HOUR);
    const ended: OverdueRun[] = [];
    await sweeperOf(stage, ended).sweep();
    expect(ended).toMatchObject([{ workflow: 'pays', workflowId, rollback: 'incomplete' }]);
    const error: unknown = await stage.client
      .handle(workflowId)
      .result()
      .catch((caught: unknown) => caught);
    expect(error).toMatchObject({ name: 'WorkflowTimedOutError', rollback: 'incomplete' });
    expect((error as Error).cause).toBeInstanceOf(TimeoutFailure);
  });

  it('answers queries afterwards, and what is left is undone when somebody asks for it', async () => {
    const { stage, workflowId, store } = await left(HOUR);
    await sweeperOf(stage, []).sweep();
    const again = await open({ journal: new InMemoryJournal(store), activities, workflows: [pays] });
    const handle = again.client.handle(workflowId);
    expect(await handle.query('paid')).toBe(true);
    await handle.retryRollback();
    await expect(handle.result()).rejects.toMatchObject({ rollback: 'complete' });
    expect(await handle.query('paid')).toBe(true);
  });

  it('goes on while its minute is not over, when a worker with it comes', async () => {
    const { stage, workflowId } = await left(90_000);
    const ended: OverdueRun[] = [];
    await sweeperOf(stage, ended).sweep();
    expect(ended).toEqual([]);
    expect((await stage.client.describe(workflowId)).state).toBe('running');
  });

  it('is looked for a portion at a time until none is left, and one that cannot be ended is told of', async () => {
    const stage = await open({ workflows: [other] });
    const run = { workflow: 'pays', workflowId: 'w', runId: 'r', rollback: 'none' } as unknown as OverdueRun;
    const answers: OverdueAnswer[] = [
      { ended: [run], more: true, trouble: null },
      { ended: [run], more: true, trouble: new JournalError('Its history has a gap.') },
      { ended: [run], more: false, trouble: null },
    ];
    const limits: number[] = [];
    const journal = {
      endOverdue: ({ limit }: { limit: number }) => {
        limits.push(limit);
        return Promise.resolve(answers.shift()!);
      },
    };
    const ended: OverdueRun[] = [];
    const sweeper = sweeperOf({ journal, runtime: stage.runtime } as unknown as Stage, ended);
    await sweeper.sweep();
    expect(limits).toEqual([50, 50]);
    expect(ended).toHaveLength(2);
    await sweeper.sweep();
    expect(ended).toHaveLength(3);
  });

  it('is not looked for by a worker that stops', async () => {
    const stage = await open({ workflows: [other] });
    const asked = gate();
    const answer = gate();
    const journal = {
      endOverdue: async () => {
        asked.open();
        await answer.opened;
        return { ended: [], more: true, trouble: null };
      },
    };
    const sweeper = sweeperOf({ journal, runtime: stage.runtime } as unknown as Stage, []);
    const sweeping = sweeper.sweep();
    await asked.opened;
    const stopped = sweeper.stop();
    answer.open();
    await Promise.all([sweeping, stopped]);
  });
});
