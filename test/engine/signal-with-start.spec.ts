import { describe, expect, it } from '@jest/globals';
import { OnSignal, Workflow } from '../../lib/nest/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { openStages } from '../support/open-stages.js';
import type { ScriptedWorkflow } from '../support/stage.js';

/** By its class it is asked for; what it does stands in the scripted workflow of its name. */
@Workflow({ name: 'account', version: 4, runTimeout: '1 hour' })
class Account {
  @OnSignal() add(_amount: number): void {
    // Scripted.
  }
  run(): Promise<void> {
    return Promise.resolve();
  }
}

const sender: ScriptedWorkflow = {
  name: 'sender',
  make: ({ ctx }) => ({
    run: async (amounts: unknown) => {
      const account = ctx.external(Account, 'account');
      for (const amount of amounts as number[]) await account.signalWithStart(undefined, 'add', amount);
      return 'sent';
    },
  }),
};
const account: ScriptedWorkflow = {
  name: 'account',
  version: 4,
  signals: ['add'],
  make: ({ ctx }) => {
    const seen: unknown[] = [];
    return {
      add: (amount: unknown) => void seen.push(amount),
      run: async () => {
        seen.push('run');
        await ctx.condition(() => seen.length === 4);
        return seen;
      },
    };
  },
};

describe('A run that starts another one by a signal', () => {
  const open = openStages();

  it('need not have its workflow: whoever has it takes the run up', async () => {
    const store = new InMemoryStore();
    const first = await open({ journal: new InMemoryJournal(store), workflows: [sender] });
    const handle = await first.client.start('sender', [1, 2, 3], { id: 'sender' });
    expect(await handle.result()).toBe('sent');
    const there = first.client.handle('account');
    expect(await there.describe()).toMatchObject({ state: 'running', workflow: 'account', version: 4 });
    const second = await open({ journal: new InMemoryJournal(store), workflows: [account] });
    // The first of the signals has started it, and comes before `run`.
    expect(await second.client.handle('account').result()).toEqual([1, 'run', 2, 3]);
    expect(await second.client.count({ id: 'account' })).toBe(1);
  });

  it('leaves it the time that its class says, and no parent', async () => {
    const stage = await open({ workflows: [sender, account] });
    await (await stage.client.start('sender', [1, 2, 3])).result();
    const run = await stage.client.handle('account').describe();
    expect(run.lineage).toBe(null);
    expect(run.deadlineAt! - run.startedAt).toBeGreaterThan(3_590_000);
  });
});
