import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { WorkflowFailedError } from '../../lib/client/index.js';
import { LoggingObserver } from '../../lib/nest/continuum.observer.js';
import type { Script } from '../support/stage.js';
import { activity, Stage } from '../support/stage.js';
import { ODD } from '../support/odd-errors.js';

type Place = (script: Script, odd: () => unknown) => Promise<unknown>;

const throwIt = (make: () => unknown): never => {
  // What is thrown is the point.
  // oxlint-disable-next-line typescript/only-throw-error
  throw make();
};

/** Where a run may meet what somebody threw, so that it fails with it. */
const PLACES: Readonly<Record<string, Place>> = {
  'run, at once': async (_script, odd) => throwIt(odd),
  'run, after a step': async ({ ctx }, odd) => {
    await ctx.sleep(1);
    throwIt(odd);
  },
  'a condition': ({ ctx }, odd) => ctx.condition(() => throwIt(odd)),
  'a condition, later': async ({ ctx }, odd) => {
    let looks = 0;
    await Promise.all([ctx.sleep(1), ctx.condition(() => ++looks > 1 && throwIt(odd))]);
  },
  'a side effect': async ({ ctx }, odd) => ctx.sideEffect(() => throwIt(odd)),
  'a cancellable scope': ({ ctx }, odd) => ctx.cancellable(async () => throwIt(odd)),
  withTimeout: ({ ctx }, odd) => ctx.withTimeout('1 hour', async () => throwIt(odd)),
  'an activity': ({ act }) => act('odd'),
  'a rejection beside others': ({ ctx }, odd) => Promise.all([ctx.sleep(50), Promise.reject(odd())]),
};

describe('what is thrown and is hardly an error', () => {
  let stage: Stage;
  let odd: () => unknown = () => undefined;
  let place: Place;

  beforeAll(async () => {
    stage = await Stage.open({
      activities: [activity('odd', () => throwIt(odd), { retry: { maxAttempts: 2, initialInterval: 1 } })],
      workflows: [
        { make: (script) => ({ run: () => place(script, odd) }) },
        {
          name: 'handling',
          signals: ['go'],
          queries: ['look'],
          make: ({ ctx }) => ({
            run: () => ctx.sleep('1 hour'),
            go: () => throwIt(odd),
            look: () => throwIt(odd),
          }),
        },
        { name: 'made', make: () => throwIt(odd) },
      ],
    });
    // What operators see is made of it, too.
    Logger.overrideLogger(false);
    const logging = new LoggingObserver();
    const notice = stage.recorder.notice.bind(stage.recorder);
    stage.recorder.notice = (event) => {
      logging.notice(event);
      notice(event);
    };
  });
  afterAll(async () => {
    Logger.overrideLogger(['log', 'error', 'warn']);
    await stage.close();
  });

  const failing = async (workflow: string): Promise<WorkflowFailedError> => {
    const handle = await stage.client.start(workflow, undefined);
    const outcome = await handle.result().catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(WorkflowFailedError);
    return outcome as WorkflowFailedError;
  };

  describe.each(Object.keys(ODD))('%s', (name) => {
    it.each(Object.keys(PLACES))('fails the run that meets it in %s', async (where) => {
      odd = ODD[name]!;
      place = PLACES[where]!;
      const error = await failing('scripted');
      expect(error.message).toMatch(/failed\.$/);
      expect(error).toHaveProperty('cause');
      expect(String(error)).toEqual(expect.any(String));
    });

    it('fails the run whose handler throws it, and whose constructor does', async () => {
      odd = ODD[name]!;
      const handle = await stage.client.start('handling', undefined);
      await handle.signal('go');
      await expect(handle.result()).rejects.toMatchObject({
        cause: { message: expect.stringMatching(/The handler of signal go failed/) },
      });
      await failing('made');
    });

    it('is the answer of a query that throws it, and harms nothing', async () => {
      odd = ODD[name]!;
      const handle = await stage.client.start('handling', undefined);
      await expect(
        handle.query('look').then(
          () => 'answered',
          () => 'refused',
        ),
      ).resolves.toBe('refused');
      expect((await handle.describe()).blocked).toBeNull();
      await handle.terminate();
    });
  });
});
