/*
 * Runs in a process of its own, started by watchdog.spec.ts: a workflow that keeps the event loop busy for so many ms
 * (the first argument), in its code, behind a call of another run's code, or outside it (the second one), watched by a watchdog that ends the process, or does
 * not (the third one), and marks the run with the program given (the fourth one).
 */
import { open } from 'node:inspector';
import type { WorkflowDefinition } from '../../../lib/core/index.js';
import { durableCodec, Fold, SEMANTICS_VERSION } from '../../../lib/core/index.js';
import { asyncScope } from '../../../lib/engine/process/async-scope.js';
import { WindowScheduler } from '../../../lib/engine/process/window-scheduler.js';
import { Watchdog } from '../../../lib/engine/process/watchdog.js';

const [busy, place, action, program] = process.argv.slice(2) as [
  string,
  'window' | 'outside' | 'debugged' | 'behind call',
  'report' | 'exit',
  string | undefined,
];
const identity = { workflow: 'spinning', workflowId: 'order "ü"', runId: 'r-1', namespace: 'n' };

function spin(): void {
  const end = performance.now() + Number(busy);
  while (performance.now() < end);
}

const definition: WorkflowDefinition = {
  name: 'spinning',
  version: 1,
  compensation: 'automatic',
  signals: new Set(),
  queries: new Set(),
  activitiesOf: () => undefined,
  construct: () => ({
    run: async () => {
      // In a microtask: behind the delivery, and in its window still.
      await Promise.resolve();
      // As of a query that is answered between two steps of a phase.
      if (place === 'behind call') scheduler.call({ ...identity, workflow: 'asked' }, () => undefined);
      if (place !== 'outside') spin();
    },
  }),
};

const scheduler = new WindowScheduler();
const told = new Promise((resolve) => {
  const mark = program === undefined ? null : { program, data: 'some data' };
  scheduler.watchedBy(new Watchdog({ timeout: 200, ends: action === 'exit' }, resolve, mark));
});
if (place === 'debugged') {
  open(0);
  // Beats of the watchdog.
  await new Promise((resolve) => setTimeout(resolve, 100));
}
const fold = new Fold({ definition, codec: durableCodec, run: identity, asyncScope });
fold.feed({ type: 'run_started', at: 1, input: 'null', seed: 's', semanticsVersion: SEMANTICS_VERSION });
await scheduler.pump(fold, identity);
if (place === 'outside') spin();
if (Number(busy) > 0) {
  // The watchdog keeps no process.
  const waiting = setInterval(() => undefined, 60_000);
  process.stdout.write(JSON.stringify(await told));
  clearInterval(waiting);
}
