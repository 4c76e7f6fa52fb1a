import { describe, expect, it } from '@jest/globals';
import { InMemoryJournal } from '../../lib/journal/in-memory/index.js';
import { JournalRefusedError } from '../../lib/journal/index.js';
import type { Turn } from '../../lib/journal/index.js';
import { heldActivity } from '../support/held-activity.js';
import { openStages } from '../support/open-stages.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { activity } from '../support/stage.js';
import type { ScriptedWorkflow } from '../support/stage.js';

/** As large as a value may be here; its text is twice as large when it is encoded once more. */
const LARGE = '"'.repeat(450_000);

/** Runs one activity of the name that is its input. */
const one: ScriptedWorkflow = { make: ({ act }) => ({ run: (input) => act(String(input)) }) };

describe('Values that are hard to store', () => {
  const open = openStages();

  /** An activity that may be made once, beside a run in trouble. */
  const neighbour = () => heldActivity('neighbour', 'undisturbed', { retry: { maxAttempts: 1 } });

  it('gives a large result back as it is, and disturbs nobody', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const beside = neighbour();
    let tries = 0;
    const stage = await open({
      journal,
      activities: [beside.handler, activity('large', () => (tries++, LARGE), { retry: { maxAttempts: 1 } })],
      workflows: [one],
    });
    const undisturbed = await stage.client.start('scripted', 'neighbour');
    await beside.begun;
    // The turn that takes the result fails, so that the result has to be kept for the next holder.
    detour('commit', (real, turns, options) =>
      turns.some(completes) && stage.recorder.count('turn failed') === 0
        ? Promise.reject(new Error('out of memory'))
        : real(turns, options),
    );
    const large = await stage.client.start('scripted', 'large');
    await expect(large.result()).resolves.toBe(LARGE);
    beside.letGo();
    await expect(undisturbed.result()).resolves.toBe('undisturbed');
    expect(tries).toBe(1);
    expect(stage.recorder.count('worker lost')).toBe(0);
  });

  it('keeps a result with a character that the database lacks, and disturbs nobody', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const refuse = (text: string | null): void => {
      if (text?.includes('€')) throw new JournalRefusedError('has no equivalent in encoding "LATIN1"');
    };
    detour('commit', async (real, turns, options) => {
      for (const { entries, outcome } of turns) {
        refuse(JSON.stringify(entries));
        if (outcome.type === 'block') refuse(outcome.reason);
      }
      return real(turns, options);
    });
    detour('send', async (real, messages, options) => {
      for (const { payload } of messages) refuse(payload);
      return real(messages, options);
    });
    const beside = neighbour();
    let tries = 0;
    const stage = await open({
      journal,
      activities: [beside.handler, activity('price', () => `${++tries} €`, { retry: { maxAttempts: 1 } })],
      // Its own result has none of it.
      workflows: [
        {
          make: ({ act }) => ({ run: async (name) => (await act(String(name))) === '1 €' || 'undisturbed' }),
        },
      ],
    });
    const undisturbed = await stage.client.start('scripted', 'neighbour');
    await beside.begun;
    const priced = await stage.client.start('scripted', 'price');
    await expect(priced.result()).resolves.toBe(true);
    beside.letGo();
    await expect(undisturbed.result()).resolves.toBe('undisturbed');
    expect(tries).toBe(1);
    expect(stage.recorder.count('worker lost')).toBe(0);
  });

  it('blocks a run for a reason that the database cannot store, and disturbs nobody', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const beside = neighbour();
    const stage = await open({
      journal,
      activities: [beside.handler, activity('work', () => 'done')],
      workflows: [one],
    });
    const undisturbed = await stage.client.start('scripted', 'neighbour');
    await beside.begun;
    detour('commit', async (real, turns, options) => {
      if (turns.some(completes)) throw new Error('5 € are missing');
      for (const { outcome } of turns)
        if (outcome.type === 'block' && outcome.reason.includes('€'))
          throw new JournalRefusedError('has no equivalent in encoding "LATIN1"');
      return real(turns, options);
    });
    const { workflowId } = await stage.client.start('scripted', 'work');
    await stage.recorder.until('turn failed');
    const blocked = async () => (await stage.client.describe(workflowId)).blocked;
    while ((await blocked()) === null) await new Promise((resolve) => setImmediate(resolve));
    expect((await blocked())?.reason).toBe('Error: 5 ? are missing');
    detour('commit', (real, turns, options) => real(turns, options));
    beside.letGo();
    await expect(undisturbed.result()).resolves.toBe('undisturbed');
    expect(stage.recorder.count('worker lost')).toBe(0);
  });

  it.each([
    ['large', LARGE, LARGE],
    ['deep', 'flat', nested(1_001)],
  ])('undoes what took and gave %s values', async (_, taken, given) => {
    const undone: unknown[] = [];
    const undo = activity('undo', (__, result: unknown, argument: unknown) => {
      undone.push([result, argument]);
    });
    const stage = await open({
      activities: [undo, activity('render', () => given, { compensation: undo })],
      workflows: [
        {
          make: ({ act }) => ({
            run: async (input) => {
              await act('render', input);
              throw new Error('not after all');
            },
          }),
        },
      ],
    });
    await expect(stage.client.execute('scripted', taken)).rejects.toMatchObject({ rollback: 'complete' });
    expect(undone).toEqual([[given, taken]]);
  });
});

const completes = (turn: Turn): boolean => turn.entries.some((entry) => entry.type === 'activity_completed');

function nested(levels: number): unknown {
  let value: unknown = 'core';
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}
