import { describe, expect, it, jest } from '@jest/globals';
import { Observers } from '../../lib/observability/index.js';
import type { EngineEvent, Observer } from '../../lib/observability/index.js';
import { runChild } from '../support/child-process.js';
import { ODD } from '../support/odd-errors.js';

const event: EngineEvent = { type: 'journal available' };
const failing: Readonly<Record<string, (thrown: unknown) => Observer>> = {
  throws: (thrown) => ({
    notice() {
      throw thrown;
    },
  }),
  rejects: (thrown) => ({
    // TypeScript allows it where `void` is wanted.
    // oxlint-disable-next-line typescript/no-misused-promises
    async notice() {
      await null;
      throw thrown;
    },
  }),
};

describe('observers', () => {
  it.each(Object.keys(failing))(
    'one that %s keeps nothing from the others, and is told of once',
    async (how) => {
      const heard: EngineEvent[] = [];
      const observers = new Observers([
        failing[how]!(new Error(`of one that ${how}`)),
        { notice: (heardOf) => void heard.push(heardOf) },
      ]);
      const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
      for (let i = 0; i < 3; i++) observers.notice(event);
      await new Promise((resolve) => setImmediate(resolve));
      expect(heard).toEqual([event, event, event]);
      expect(warn.mock.calls).toEqual([
        [
          expect.stringContaining(`An observer failed at "journal available": Error: of one that ${how}.`),
          'ContinuumObserverWarning',
        ],
      ]);
      warn.mockRestore();
    },
  );

  it('one that fails with anything at all does not end the process', async () => {
    const { code, stdout } = await runChild(new URL('support/odd-observers.ts', import.meta.url));
    expect({ code, stdout }).toEqual({ code: 0, stdout: `${Object.keys(ODD).length} of each\n` });
  });
});
