import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { CancellationScope } from '../../lib/core/index.js';
import { Workflow } from '../../lib/nest/index.js';
import { Wakeup } from '../../lib/wakeup/index.js';
import { openStages } from '../support/open-stages.js';
import type { ScriptedWorkflow } from '../support/stage.js';

@Workflow({ name: 'one' })
class One {
  run(): Promise<number> {
    return Promise.resolve(1);
  }
}

describe('A turn that reaches other runs', () => {
  const open = openStages();
  afterEach(() => void jest.restoreAllMocks());

  it('tells once that there is something for others, whatever it has begun and sent', async () => {
    const all = Array.from({ length: 50 });
    const many: ScriptedWorkflow = {
      signals: ['cancel'],
      make: ({ ctx }) => {
        let scope: CancellationScope | undefined;
        return {
          cancel: () => scope?.cancel(),
          run: () =>
            ctx
              .cancellable((own) => {
                scope = own;
                return Promise.all(all.map(() => ctx.child(One)));
              })
              .catch(() => ctx.sleep('1 hour')),
        };
      },
    };
    // The children are for another worker.
    const stage = await open({ workflows: [many], settings: { replayCheck: false } });
    const tell = jest.spyOn(Wakeup.prototype, 'tell');
    const tellHere = jest.spyOn(Wakeup.prototype, 'tellHere');
    const handle = await stage.client.start('scripted');
    await stage.recorder.until('turn committed', ({ entries }) => entries === 51);
    // One of the start, and one of the turn.
    expect(tell.mock.calls.filter(([{ type }]) => type === 'run ready')).toHaveLength(2);
    await handle.signal('cancel');
    await stage.recorder.until('turn committed', ({ entries }) => entries > 1 && entries !== 51);
    expect(tellHere.mock.calls.filter(([{ type }]) => type === 'messages to deliver')).toHaveLength(1);
  });
});
