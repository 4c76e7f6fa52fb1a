import { describe, expect, it } from '@jest/globals';
import { activityProxy } from '../../../lib/core/index.js';
import { WorkflowMistakeError } from '../../../lib/core/index.js';
import {
  activity,
  completed,
  drive,
  line,
  Payments,
  resultOf,
  Ship,
  signal,
  started,
  workflow,
} from '../../support/fold-kit.js';
import type { Steps } from '../../support/fold-kit.js';

/** Calls that no code should make, whatever the data. */
const MISUSES: Readonly<Record<string, (steps: Steps) => unknown>> = {
  'a call of what is no activity': () => {
    class Mail {
      send(): void {}
      render(): void {}
    }
    const group = { name: 'Mail', activities: new Map([['send', activity('Mail.send')]]) };
    (activityProxy(group, Mail, () => Promise.resolve()) as Mail).render();
  },
  'ctx.run of a class that is not one activity': ({ ctx }) => ctx.run(Payments as unknown as typeof Ship, {}),
  'an option that cannot be': ({ ctx }) => ctx.run(Ship, {}, { retry: { maxAttempts: 0 } }),
  'an async side effect': ({ ctx }) => ctx.sideEffect(async () => 1),
  'a durable call in a side effect': ({ ctx, act }) => ctx.sideEffect(() => void act('a')),
  'a durable call in a condition': ({ ctx, act }) => ctx.condition(() => act('a') !== undefined),
  'an async condition': ({ ctx }) => ctx.condition((async () => true) as unknown as () => boolean),
};

describe('mistakes', () => {
  describe.each(Object.keys(MISUSES))('%s', (name) => {
    it('blocks the run, which keeps its steps, and goes on when the code is mended', async () => {
      let mended = false;
      const definition = workflow(async (steps) => {
        await steps.act('pay');
        if (!mended) await MISUSES[name]!(steps);
        return 'done';
      });
      const run = await drive(definition, [started()]);
      const history = [...run.history];
      const blocked = await drive(definition, [started(), completed(0)]);
      expect(blocked.fold.fault).toBeInstanceOf(WorkflowMistakeError);
      expect(blocked.fold.fault?.message).toMatch(/has a mistake.*Mend it and deploy/s);
      expect(line(history)).not.toContain('run_failed');
      mended = true;
      expect(resultOf(await drive(definition, [started(), completed(0)]))).toBe('done');
    });

    it('is the code’s own affair when it catches it', async () => {
      const definition = workflow(async (steps) => {
        try {
          await MISUSES[name]!(steps);
        } catch (error) {
          return (error as Error).name;
        }
        return 'nothing';
      });
      expect(resultOf(await drive(definition, [started()]))).toMatch(/Error$/);
    });
  });

  it('in a signal handler block, too', async () => {
    const definition = workflow(({ ctx }) => ctx.sleep('1h'), {
      signals: { go: (_payload, { ctx }) => ctx.sideEffect(async () => 1) },
    });
    const run = await drive(definition, [started(), signal('go')]);
    expect(run.fold.fault).toBeInstanceOf(WorkflowMistakeError);
  });

  const throwing = {
    TypeError: () => (undefined as unknown as { x: { y: number } }).x.y,
    ReferenceError: () => {
      throw new ReferenceError('nobody');
    },
    RangeError: () => 'x'.repeat(-1),
    SyntaxError: () => JSON.parse('{') as unknown,
  };
  it.each(Object.entries(throwing))(
    'an uncaught %s of JavaScript fails the run, or blocks it',
    async (_name, code) => {
      const definition = workflow(async () => code());
      expect((await drive(definition, [started()])).fold.progress.closed?.type).toBe('run_failed');
      const blocking = await drive({ ...definition, mistakes: 'block' }, [started()]);
      expect(blocking.fold.fault).toBeInstanceOf(WorkflowMistakeError);
      const byWorker = await drive(definition, [started()], { mistakes: 'block' });
      expect(byWorker.fold.fault).toBeInstanceOf(WorkflowMistakeError);
      const own = await drive({ ...definition, mistakes: 'fail' }, [started()], { mistakes: 'block' });
      expect(own.fold.progress.closed?.type).toBe('run_failed');
    },
  );

  it('of other kinds fail the run: failures of activities, values that cannot be stored, errors of its own', async () => {
    const block = { mistakes: 'block' } as const;
    const unstorable = workflow(async ({ act }) => act('a', () => undefined));
    expect((await drive(unstorable, [started()], block)).fold.progress.closed?.type).toBe('run_failed');
    const own = workflow(async () => {
      throw Object.assign(new Error('mine'), { name: 'Declined' });
    });
    expect((await drive(own, [started()], block)).fold.progress.closed?.type).toBe('run_failed');
  });
});
