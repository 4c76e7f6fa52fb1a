import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { guardProcess } from '../../lib/engine/process/process-guard.js';
import { runChild } from '../support/child-process.js';
import { completed, drive, feed, resultOf, started, workflow } from '../support/fold-kit.js';

const PROGRAM = new URL('support/guarded-process.ts', import.meta.url);

/** What cases told, line by line, in a process that nobody else disturbs. */
async function told(cases: readonly string[], ...flags: string[]) {
  const { code, stdout, stderr } = await runChild(PROGRAM, cases, flags);
  const lines = stdout.split('\n').filter(Boolean);
  return { code, stderr, told: lines.map((line) => JSON.parse(line) as unknown) };
}

describe('process guard, in processes of their own', () => {
  const cases = {
    'F24: a rejection in a window is shown on its run at once, and forgotten when it is picked up': [
      'picked up later',
      { shown: ['Error: of the run'], told: 'run_completed', left: 0 },
    ],
    'F24: one that nobody picks up fails the turn that would complete the run; a failed run ignores it': [
      'never picked up',
      ['FloatingRejectionError', expect.stringContaining('of the run'), 'run_failed'],
    ],
    'F24: outside windows the run that left it behind is told, and no other': [
      'outside windows',
      ['FloatingRejectionError', 'open'],
    ],
    'F24, F1: a callback that throws fails the turn of its run': [
      'thrown callbacks',
      ['CallbackError', 'CallbackError', 'CallbackError'],
    ],
    'F24, F1: of several runs in one phase only the one that threw is told': [
      'thrown among others',
      ['open', 'CallbackError', 'open'],
    ],
    'F24: whatever it is that is thrown, it is the run that is told': ['odd things', []],
    'F27: what an evicted run leaves behind harms nobody': ['evicted', 'went on'],
    'F24: several engines share one override, which is gone with the last': [
      'released',
      { stillGuarded: true, restored: true, told: 'open' },
    ],
  } as const;
  let answers: Awaited<ReturnType<typeof told>>;
  beforeAll(async () => {
    answers = await told(Object.values(cases).map(([name]) => name));
  });

  it.each(Object.entries(cases))('%s', (_name, [name, expected]) => {
    expect(answers).toMatchObject({ code: 0, stderr: '' });
    const place = Object.values(cases).findIndex(([other]) => other === name);
    expect(answers.told[place]).toEqual(expected);
  });

  it('F24: what belongs to the application reaches its listeners, and nothing else does', async () => {
    const { code, told: heard } = await told(['application listens']);
    expect(code).toBe(0);
    expect(heard).toEqual([{ heard: ['Error: of the application', 'thrown Error: of a timer'], shown: 1 }]);
    expect(await told(['application exits'])).toMatchObject({ code: 7, told: [1] });
  });

  it.each([
    ['throw', 1, /of the application/],
    ['strict', 1, /of the application/],
    ['none', 0, /^$/],
    ['warn', 0, /UnhandledPromiseRejectionWarning: Error: of the application/],
    ['warn-with-error-code', 1, /UnhandledPromiseRejectionWarning: Error: of the application/],
  ])('F24: --unhandled-rejections=%s stays as it was for everybody else', async (mode, code, said) => {
    const ended = await told(['both, no listener'], `--unhandled-rejections=${mode}`);
    expect(ended).toMatchObject({ code, stderr: expect.stringMatching(said) });
    expect(ended.told[0]).toEqual({ shown: 1, told: 'open' });
    // `warn` warns of every rejection, handled or not.
    if (mode !== 'warn') expect(ended.stderr).not.toContain('of the run');
  });
});

describe('process guard, inside a test runner', () => {
  let release: () => void;
  beforeAll(() => {
    release = guardProcess();
  });
  afterAll(() => release());

  it('F26: reaches the real process, of which the runner shows a copy', async () => {
    const definition = workflow(async ({ act }) => {
      const promise = (async () => {
        await null;
        throw new Error('of the run');
      })();
      await act('a');
      return promise.catch((error: Error) => error.message);
    });
    const run = await drive(definition, [started()]);
    expect(run.fold.floatingRejections).toEqual([new Error('of the run')]);
    await feed(run, completed(0));
    expect(resultOf(run)).toBe('of the run');
  });
});
