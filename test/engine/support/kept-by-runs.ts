import { InMemoryJournal } from '../../../lib/journal/in-memory/index.js';
import { getHeapSpaceStatistics } from 'node:v8';
import { activity, Stage } from '../../support/stage.js';

// Run with --expose-gc. Prints how many bytes of each workflow that has ended are still there after two minor garbage
// collections: only a major one, which stops the process for long, would free them.

const STEPS = 10;

/** It answers as the real one does, and keeps nothing. */
class ForgetfulJournal extends InMemoryJournal {
  override start(requests: Parameters<InMemoryJournal['start']>[0]) {
    return Promise.resolve(requests.map(({ runId }) => ({ type: 'started', runId, token: 1 }) as const));
  }
  override commit(turns: Parameters<InMemoryJournal['commit']>[0]) {
    return Promise.resolve(turns.map(() => ({ type: 'applied', inboxSeq: 0 }) as const));
  }
}

const stage = await Stage.open({
  journal: new ForgetfulJournal(),
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
  settings: { replayCheck: false },
});

const execute = async (workflows: number): Promise<void> => {
  for (let i = 0; i < workflows; i++) await stage.client.execute('scripted', 0);
};

const oldSpace = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')!.space_used_size;

const keptOf = async (workflows: number): Promise<number> => {
  collect();
  const before = oldSpace();
  await execute(workflows);
  collect({ type: 'minor' });
  collect({ type: 'minor' });
  return oldSpace() - before;
};

// The cast: --expose-gc puts it there.
const collect = (globalThis as unknown as { gc(this: void, options?: { type: 'minor' }): void }).gc;

// The code is compiled, which is kept as well.
await execute(500);
// The least of some tries: code that is compiled meanwhile is kept as well, and adds to it.
let bytesPerWorkflow = Infinity;
for (let tries = 0; tries < 5; tries++) {
  const [few, many] = [await keptOf(20), await keptOf(120)];
  bytesPerWorkflow = Math.min(bytesPerWorkflow, (many - few) / 100);
}
console.log(JSON.stringify({ bytesPerWorkflow }));
process.exit(0);
