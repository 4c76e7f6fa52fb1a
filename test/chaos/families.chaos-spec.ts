import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, expect, it } from '@jest/globals';
import type { DecodedEntry, ParentClose, RunState } from '../../lib/index.js';
import { Chance } from '../support/random.js';
import { chaosSeconds, chaosSeed, isLonger } from './support/chaos-run.js';
import { Cluster } from './support/cluster.js';
import { until, within } from './support/patience.js';
import { childId, generationsOf, Parent } from './worker/families.js';
import type { FamilyEnd, FamilyPlan } from './worker/families.js';

const SECONDS = chaosSeconds(6);
const PARENTS = isLonger() ? 200 : 30;
const CHILDREN = 5;
const NOTES = 3;
const KILL_EVERY = 2_000;
/** For what is left when nobody is killed any more, in ms. */
const AFTERWARDS = 90_000;

const LEAVES: readonly ParentClose[] = ['cancel', 'terminate', 'abandon'];
const BECOMES: Readonly<Record<ParentClose, RunState>> = {
  cancel: 'cancelled',
  terminate: 'terminated',
  abandon: 'completed',
};

let cluster: Cluster | undefined;
afterEach(() => cluster?.close());

const plans: readonly FamilyPlan[] = Array.from({ length: PARENTS }, (_, i) => ({
  name: `family-${i}`,
  children: CHILDREN,
  generations: i % 2 === 0 ? 2 : 0,
  generation: 0,
  wanted: NOTES,
  leaves: LEAVES[i % LEAVES.length]!,
  ends: [],
  notes: [],
}));
const notesFor = ({ name }: FamilyPlan): readonly string[] =>
  Array.from({ length: NOTES }, (_, n) => `${name} note ${n}`);

it(
  'tells every parent of the end of every child once, and leaves no child that should have gone, while workers are killed',
  async () => {
    const chance = new Chance(chaosSeed());
    cluster = await Cluster.open();
    const { client } = cluster;
    const workers = await Promise.all([cluster.worker(), cluster.worker()]);
    const open = new Set(plans.map(({ name }) => name));

    const conduct = async (plan: FamilyPlan, i: number): Promise<FamilyEnd> => {
      await pause((i * (SECONDS - 1) * 1_000) / PARENTS);
      const handle = await client.start(Parent, plan, { id: plan.name });
      const noting = (async () => {
        for (const note of notesFor(plan)) {
          await pause(chance.below(400));
          await handle.signal('note', note, { dedupeId: note });
        }
      })();
      const [end] = await Promise.all([handle.result(), noting]);
      open.delete(plan.name);
      return end;
    };
    const ended = Promise.all(plans.map(conduct));
    // Awaited below. If it fails meanwhile, that is told there.
    ended.catch(() => undefined);

    let kills = 0;
    for (const end = performance.now() + SECONDS * 1_000; performance.now() < end; kills++) {
      await pause(KILL_EVERY);
      const victim = chance.below(workers.length);
      await workers[victim]!.ready();
      await workers[victim]!.kill();
      workers[victim] = cluster.spawn();
    }
    const told = () => `the end of ${[...open].join(', ')}\n${cluster!.summary()}`;
    const ends = await within(AFTERWARDS, told, ended);
    expect(kills).toBeGreaterThanOrEqual(2);

    // The ones left behind are stopped by whichever worker comes to it.
    const stateOf = async ({ name }: FamilyPlan): Promise<RunState> =>
      (await client.describe(`${name}-left`)).state;
    for (const plan of plans) {
      const becomes = BECOMES[plan.leaves];
      const wanted = () => `${plan.name}-left should be ${becomes}`;
      await within(
        AFTERWARDS,
        wanted,
        until(async () => (await stateOf(plan)) === becomes),
      );
    }

    const violations: string[] = [];
    for (const [i, plan] of plans.entries()) violations.push(...(await violationsOf(plan, ends[i]!)));
    expect(violations).toEqual([]);
    expect(await client.count({ state: ['running'] })).toBe(0);
    expect(cluster.workers.flatMap((worker) => worker.heard('turn failed'))).toEqual([]);
  },
  SECONDS * 1_000 + AFTERWARDS * 2 + 60_000,
);

/** What is wrong with a family, now that it has ended. */
async function violationsOf(plan: FamilyPlan, end: FamilyEnd): Promise<readonly string[]> {
  const found: string[] = [];
  const generations = Array.from({ length: plan.generations + 1 }, (_, generation) => generation);
  const children = generations.flatMap((generation) =>
    Array.from({ length: CHILDREN }, (_, i) => ({ id: childId({ ...plan, generation }, i), i })),
  );
  const wanted = children.map(({ id }) => id);
  if (String(end.ends) !== String(wanted)) found.push(`${plan.name} was told of [${String(end.ends)}]`);
  if (String(end.notes) !== String(notesFor(plan)))
    found.push(`${plan.name} has the notes [${String(end.notes)}]`);

  const runs = await cluster!.runsOf(plan.name);
  if (runs.length !== generations.length) found.push(`${plan.name} has ${runs.length} runs`);
  for (const runId of runs) {
    const { history } = await cluster!.recorded(plan.name, runId);
    for (const text of childViolations(history.map(({ entry }) => entry)))
      found.push(`${plan.name} (${runId}): ${text}`);
  }
  for (const { id, i } of children) {
    const count = (await cluster!.runsOf(id)).length;
    if (count !== generationsOf(i) + 1) found.push(`${id} has ${count} runs`);
  }
  return found;
}

const ENDS: ReadonlySet<DecodedEntry['type']> = new Set([
  'child_completed',
  'child_failed',
  'child_cancelled',
  'child_terminated',
]);

/** No child of one run of a parent ends twice, or without a beginning; each has ended, but perhaps the one left behind. */
function childViolations(entries: readonly DecodedEntry[]): readonly string[] {
  const open = new Map<number, string>();
  const found: string[] = [];
  for (const entry of entries) {
    if (entry.type === 'child_started') open.set(entry.id, entry.name);
    else if (ENDS.has(entry.type) && 'id' in entry && !open.delete(entry.id))
      found.push(`child ${entry.id} has ended twice, or never began`);
  }
  for (const [id, name] of open) if (name !== 'left-behind') found.push(`child ${id} has no end`);
  return found;
}
