/*
 * Runs in a process of its own, started by watchdog.spec.ts: a worker whose watchdog reports, and a query that keeps the
 * event loop busy for so many ms (the first argument), of a run that is open, or closed (the second one). The application has kept it busy right before, for less than the
 * watchdog's timeout.
 */
import { Stage } from '../../support/stage.js';

const [busy, state] = process.argv.slice(2) as [string, 'open' | 'closed'];

function spin(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const stage = await Stage.open({
  settings: { watchdog: { timeout: 200, ends: false } },
  workflows: [
    {
      name: 'asked',
      queries: ['total'],
      make: ({ ctx }) => ({
        run: () => ctx.condition(() => state === 'closed'),
        total: () => spin(Number(busy)),
      }),
    },
  ],
});
const handle = await stage.client.start('asked', null, { id: 'a-1\n[Nest] \u001b[31m\u009bforged' });
if (state === 'closed') await handle.result();
spin(120);
await handle.query('total');
const { run } = await stage.recorder.until('event loop blocked');
process.stdout.write(run?.workflow ?? 'none');
await stage.close();
