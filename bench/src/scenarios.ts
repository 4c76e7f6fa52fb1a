import type { WorkflowClient } from 'nestjs-continuum';
import { Counter } from './counter.workflow.js';
import { Family } from './family.workflow.js';

/** How many of what were done in a second, by one run. */
export interface Rate {
  readonly scenario: string;
  readonly perSecond: number;
}

const seconds = async (work: () => Promise<void>): Promise<number> => {
  const begun = performance.now();
  await work();
  return (performance.now() - begun) / 1_000;
};

/** One parent whose children run beside each other. */
export async function children(client: WorkflowClient, count: number): Promise<Rate> {
  await client.execute(Family, Math.min(count, 20));
  const took = await seconds(async () => {
    const ended = await client.execute(Family, count);
    if (ended !== count) throw new Error(`${ended} of ${count} children have ended.`);
  });
  return { scenario: `${count} children of one parent`, perSecond: Math.round(count / took) };
}

/** Signals to one run, so many callers at a time, until it has counted them all. */
export async function signals(client: WorkflowClient, count: number, callers: number): Promise<Rate> {
  const handle = await client.start(Counter, { counted: 0, until: count });
  const took = await seconds(async () => {
    let sent = 0;
    const caller = async (): Promise<void> => {
      while (sent++ < count) await handle.signal('count');
    };
    await Promise.all(Array.from({ length: callers }, caller));
    const counted = await handle.result();
    if (counted !== count) throw new Error(`${counted} of ${count} signals were counted.`);
  });
  return { scenario: `signals to one run, ${callers} callers`, perSecond: Math.round(count / took) };
}
