import { performance } from 'node:perf_hooks';
import { afterEach, describe, expect, it } from '@jest/globals';
import { ReplayMismatchError } from '../../lib/core/index.js';
import type { Script, ScriptedWorkflow } from '../support/stage.js';
import { activity, Stage } from '../support/stage.js';

const stages: Stage[] = [];
afterEach(async () => {
  await Promise.all(stages.splice(0).map((stage) => stage.close()));
});
async function open(...workflows: ScriptedWorkflow[]): Promise<Stage> {
  const stage = await Stage.open({ activities: [activity('work', (_, value) => value)], workflows });
  stages.push(stage);
  return stage;
}

const TRIES = 30;
const inThePast = new Date(2001, 1, 1);

/** All of them read a clock, or chance. */
const IMPURE: Readonly<Record<string, (script: Script) => Promise<unknown>>> = {
  'a date in the result': async () => ({ at: new Date() }),
  'a time in an argument': ({ act }) => act('work', Date.now()),
  'a deadline around a sleep': async ({ ctx }) => {
    const until = Date.now() + 60_000;
    await ctx.sleep(1);
    return Date.now() > until;
  },
  'a deadline long past': async () => (Date.now() > inThePast.getTime() ? 'over' : 'open'),
  'the hour of the day': async () => (new Date().getHours() < 12 ? 'morning' : 'evening'),
  'a condition': async ({ ctx }) => {
    await Promise.race([ctx.condition(() => new Date() > inThePast), ctx.sleep(1)]);
  },
  'a date as text': async () => Date().slice(0, 15),
  'time that was measured': async () => {
    const before = performance.now();
    return performance.now() - before > 10_000;
  },
  'a rare chance': async () => Math.random() < 0.001,
  'a choice of two': async () => Math.floor(Math.random() * 2),
  hrtime: async () => process.hrtime.bigint() > 0n && process.hrtime()[0] > 1e6,
};

describe('the replay check', () => {
  it.each(Object.keys(IMPURE))('F30: always finds %s', async (name) => {
    const stage = await open({ make: (script) => ({ run: () => IMPURE[name]!(script) }) });
    const handles = await Promise.all(
      Array.from({ length: TRIES }, () => stage.client.start('scripted', undefined)),
    );
    const ids = new Set<string>();
    while (ids.size < TRIES) {
      const { run, error } = await stage.recorder.until('turn failed', (event) => !ids.has(event.run.runId));
      ids.add(run.runId);
      expect(error).toBeInstanceOf(ReplayMismatchError);
      expect(error.message).toMatch(
        /It reads (new Date|Date\.now|Math\.random|performance\.now|process\.hrtime)/,
      );
      expect(error.message).not.toContain('Deploy the old code');
    }
    expect(stage.recorder.events.filter((event) => event.type === 'run closed')).toEqual([]);
    await Promise.all(handles.map((handle) => handle.terminate()));
  });

  it('F30: says which value differed, and where the clock was read', async () => {
    const stage = await open({ make: () => ({ run: async () => ({ at: new Date().getFullYear() }) }) });
    await stage.client.start('scripted', undefined);
    const { error } = await stage.recorder.until('turn failed');
    const [year, other] = [...error.message.matchAll(/run_completed \{"at":(\d+)\}/g)].map(([, at]) => at);
    expect(year).toBe(String(new Date().getFullYear()));
    expect(other).not.toBe(year);
    expect(error.message).toContain('replay-check.spec.ts');
  });

  it('F30: what it has found is final for the process, though the next try would pass', async () => {
    let outside = 0;
    const stage = await open({
      make: ({ act }) => ({ run: () => act('work', (outside = Math.min(outside + 1, 2))) }),
    });
    const handle = await stage.client.start('scripted', undefined);
    const first = await stage.recorder.until('turn failed');
    expect(first.error).toBeInstanceOf(ReplayMismatchError);
    const again = await stage.recorder.until('turn failed', (event) => event !== first);
    expect(again.error).toBe(first.error);
    expect((await handle.describe()).blocked).not.toBeNull();
  });

  it('F30: the time of ctx, dates with a value, and numbers of ctx are the same in every world', async () => {
    const stage = await open({
      signals: ['go'],
      make: ({ ctx }) => {
        let gone = false;
        const until = ctx.now().getTime() + 1;
        return {
          go() {
            gone = true;
          },
          async run() {
            const first = ctx.now();
            await ctx.sleep(1);
            await ctx.condition(() => gone && ctx.now().getTime() > until);
            const kind = first instanceof Date && first.constructor === Date;
            return [
              first,
              new Date(5),
              Date.UTC(2020, 1),
              ctx.random(),
              ctx.uuid(),
              kind,
              ctx.sideEffect(() => Date.now()),
            ];
          },
        };
      },
    });
    const handle = await stage.client.start('scripted', undefined);
    await handle.signal('go');
    const [first, ...rest] = (await handle.result()) as [Date, ...unknown[]];
    expect(Math.abs(first.getTime() - Date.now())).toBeLessThan(60_000);
    expect(rest[4]).toBe(true);
  });

  it('F30: everything else sees the true time, also after code that throws in a window', async () => {
    const seen: number[] = [];
    const globals = [Date, Date.now, Math.random, process.hrtime];
    const stage = await open({
      make: ({ ctx, act }) => ({
        async run() {
          process.nextTick(() => {
            throw new Error(`at ${String(Date.now())}`);
          });
          await Promise.all([act('work', 1), ctx.sleep(1)]);
        },
      }),
    });
    const looking = setInterval(() => seen.push(Date.now(), new Date().getTime()), 0);
    const before = Date.now();
    await stage.client.start('scripted', undefined);
    await stage.recorder.until('turn failed');
    await new Promise((resolve) => setTimeout(resolve, 5));
    clearInterval(looking);
    expect([Date, Date.now, Math.random, process.hrtime]).toEqual(globals);
    expect(seen.filter((time) => time < before || time > before + 60_000)).toEqual([]);
  });
});
