import { EventEmitter, once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ForeignAwaitError, RunawayError } from '../../../lib/core/index.js';
import type { Fold, WorkflowDefinition } from '../../../lib/core/index.js';
import { guardProcess } from '../../../lib/engine/process/process-guard.js';
import {
  cancel,
  completed,
  drive,
  expectSameAgain,
  fired,
  line,
  newFold,
  scheduler,
} from '../../support/fold-kit.js';
import { feed, resultOf, signal, started, workflow } from '../../support/fold-kit.js';
import type { Driven, Steps, WorkflowSketch } from '../../support/fold-kit.js';

/** A query builder of an ORM: a thenable that runs its query when it is awaited. */
class QueryBuilder implements PromiseLike<string[]> {
  then<A, B>(
    resolve?: ((rows: string[]) => A | PromiseLike<A>) | null,
    reject?: ((e: unknown) => B | PromiseLike<B>) | null,
  ) {
    return readFile('package.json', 'utf8')
      .then((text) => [text])
      .then(resolve, reject);
  }
}

const withHandler: WorkflowSketch = {
  signals: {
    go() {
      (this['open'] as (() => void) | undefined)?.();
    },
  },
};

/** Waits until something foreign that is under way has come back to the run. */
async function untilFault(fold: Fold): Promise<void> {
  while (fold.fault === null) await new Promise((resolve) => setImmediate(resolve));
}

let release: () => void;
beforeAll(() => {
  release = guardProcess();
});
afterAll(() => release());

describe('foreign awaits', () => {
  const foreign: Record<string, () => unknown> = {
    'a timer': () => delay(2),
    setImmediate: () => new Promise((resolve) => setImmediate(resolve)),
    'a file': () => readFile('package.json'),
    'a request': () => fetch('http://127.0.0.1:64999/').catch(() => undefined),
    'a query builder': () => new QueryBuilder(),
    'the thread pool': () => crypto.subtle.digest('SHA-256', new Uint8Array(4)),
  };

  it.each(Object.entries(foreign))(
    'F13: %s is reported at once, and nothing after it runs',
    async (_name, wait) => {
      let back: unknown;
      const definition = workflow(async ({ act }) => {
        back = wait();
        await back;
        await act('after');
      });
      const run = await drive(definition, [started()]);
      expect(run.fold.fault).toBeInstanceOf(ForeignAwaitError);
      await back;
      await new Promise((resolve) => setImmediate(resolve));
      expect(run.fold.takeEmitted()).toEqual([]);
      expect(line(run.history)).not.toContain('after');
      expect(run.fold.feed(signal('any'))).toBe(false);
    },
  );

  it('F13: the message names the last durable call before it', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await act('pay');
      await ctx.sleep(1);
      await fetch('http://127.0.0.1:64999/').catch(() => undefined);
    });
    const run = await drive(definition, [started(), completed(0), fired(1)]);
    expect(run.fold.fault?.message).toContain(
      'The last durable call before it: timer_started sleep (command 1).',
    );
    const first = await drive(
      workflow(() => delay(2)),
      [started()],
    );
    expect(first.fold.fault?.message).toContain('It was its first wait.');
  });

  it('F13: so is a promise that nothing resolves', async () => {
    const run = await drive(
      workflow(() => new Promise(() => undefined)),
      [started()],
    );
    expect(run.fold.fault).toBeInstanceOf(ForeignAwaitError);
  });

  it('F13: hidden behind something durable it shows at its next call', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      await Promise.all([ctx.sleep('1h'), delay(2).then(() => act('after'))]);
    });
    const run = await drive(definition, [started()]);
    expect(run.fold.fault).toBeNull();
    await untilFault(run.fold);
    expect(run.fold.fault).toBeInstanceOf(ForeignAwaitError);
    expect(run.fold.fault?.message).toMatch(/after was called when nothing was delivered/);
    expect(await feed(run, fired(0))).toBe(false);
    expect(run.fold.takeEmitted()).toEqual([]);
  });

  it.each<[string, (steps: Steps) => Promise<unknown>]>([
    ['a durable call', ({ act }) => delay(2).then(() => act('after'))],
    ['the end of run', () => delay(2)],
    ['a random number', ({ ctx }) => delay(2).then(() => ctx.random())],
    ['the end of a nonCancellable scope', ({ ctx }) => ctx.nonCancellable(() => delay(2))],
    ['the end of a withTimeout', ({ ctx }) => ctx.withTimeout('1h', () => delay(2))],
  ])('F13: in a class with handlers it shows at %s', async (_name, run) => {
    const driven = await drive(workflow(run, withHandler), [started()]);
    expect(driven.fold.fault).toBeNull();
    await untilFault(driven.fold);
    expect(driven.fold.fault).toBeInstanceOf(ForeignAwaitError);
  });

  it('F13: in a signal handler', async () => {
    const definition = workflow(({ ctx }) => ctx.sleep('1h'), {
      signals: { go: (_payload, { act }) => delay(2).then(() => act('after')) },
    });
    const run = await drive(definition, [started(), signal('go')]);
    await untilFault(run.fold);
    expect(run.fold.fault).toBeInstanceOf(ForeignAwaitError);
  });

  it('F13: inside a nonCancellable scope after the run has returned', async () => {
    const definition = workflow(({ ctx, act }) => {
      void ctx.nonCancellable(() => delay(2).then(() => act('after')));
      return Promise.resolve(1);
    });
    expect((await drive(definition, [started()])).fold.fault).toBeInstanceOf(ForeignAwaitError);
  });

  it('F13: a promise shared with another run: the call belongs to its own run, which is told; the other is unharmed', async () => {
    let open: (value: number) => void = () => undefined;
    const shared = new Promise<number>((resolve) => {
      open = resolve;
    });
    const giver = workflow(async ({ act }) => {
      await act('a');
      open(1);
      await act('b');
    });
    const taker = workflow(async ({ act }) => {
      await shared;
      await act('stolen');
    }, withHandler);
    const [giving, taking] = [await drive(giver, [started()]), await drive(taker, [started()])];
    await feed(giving, completed(0));
    expect(taking.fold.fault).toBeInstanceOf(ForeignAwaitError);
    expect(giving.fold.fault).toBeNull();
    expect(line(giving.history)).toMatch(/activity_completed0 activity_scheduled1:b$/);
  });

  it('F13: a run that only messages can wake says so', async () => {
    const definition = workflow(async function () {
      await new Promise<void>((resolve) => {
        this['open'] = resolve;
      });
      return 'woken';
    }, withHandler);
    const run = await drive(definition, [started()]);
    expect([run.fold.fault, run.fold.waitsForMessagesOnly]).toEqual([null, true]);
    await feed(run, signal('go'));
    expect(resultOf(run)).toBe('woken');
    expect(run.fold.waitsForMessagesOnly).toBe(false);
    await expectSameAgain(definition, run);
  });
});

describe('waiting that is not foreign', () => {
  async function* generated(): AsyncGenerator<number> {
    yield 1;
    await null;
    yield 2;
  }
  const legitimate: Record<string, (steps: Steps) => Promise<unknown>> = {
    'await null': async () => null,
    'an async generator in memory': async () => {
      for await (const _ of generated());
    },
    'for await over durable promises': async ({ act }) => {
      for await (const _ of [act('x'), act('y')]);
    },
    'one promise awaited twice': async ({ act }) => {
      const promise = act('x');
      await Promise.all([promise, promise.then((value) => value)]);
      await promise;
    },
    'microtasks and ticks': () =>
      new Promise((resolve) => process.nextTick(() => queueMicrotask(() => process.nextTick(resolve)))),
    'a plain thenable': async () => ({ then: (resolve: (value: number) => void) => resolve(1) }),
    'an emitter of its own': async () => {
      const emitter = new EventEmitter();
      const event = once(emitter, 'x');
      emitter.emit('x', 1);
      await event;
    },
    'many awaits': async () => {
      for (let i = 0; i < 20_000; i++) await null;
    },
  };

  it.each(Object.entries(legitimate))('F13: %s passes, live as in replay', async (_name, wait) => {
    const definition = workflow(async (steps) => {
      await wait(steps);
      return steps.act('after');
    });
    const run: Driven = await drive(definition, [started()]);
    for (let turn = 0; turn < 4 && run.fold.progress.closed === null; turn++) {
      for (const id of run.fold.progress.inFlight.keys()) await feed(run, completed(id, 1));
    }
    expect(resultOf(run)).toBe(1);
    await expectSameAgain(definition, run);
  });
});

describe('runaways', () => {
  const spins: Record<string, (steps: Steps) => Promise<unknown>> = {
    'a loop that swallows the cancellation': async ({ ctx }) => {
      for (;;) await ctx.sleep(1000).catch(() => undefined);
    },
    'a synchronous loop': async ({ ctx }) => {
      for (;;) ctx.sideEffect(() => 1);
    },
    'a loop of calls that are not awaited': async ({ ctx, act }) => {
      for (;;) {
        void ctx.sleep(10);
        void act('a');
      }
    },
    'a loop over what is true already': async ({ ctx }) => {
      for (;;) await ctx.condition(() => true);
    },
  };

  it.each(Object.entries(spins))('F14: %s ends the turn, not the process', async (_name, run) => {
    const { fold } = await drive(workflow(run), [started(), cancel()], { callLimit: 500 });
    expect(fold.fault).toBeInstanceOf(RunawayError);
    expect(fold.fault?.message).toContain('500');
  });

  it('F14: reading is free, and the count begins anew with every event', async () => {
    const definition = workflow(async ({ ctx, act }) => {
      for (let i = 0; i < 50; i++) ctx.random();
      await Promise.all([act('a'), act('b'), act('c')]);
      return Promise.all([act('d'), act('e')]);
    });
    const events = [started(), completed(0), completed(1), completed(2), completed(3), completed(4)];
    const run = await drive(definition, events, { callLimit: 3 });
    expect(run.fold.fault).toBeNull();
    expect(run.fold.progress.closed?.type).toBe('run_completed');
  });
});

describe('eviction', () => {
  it('F27: runs no finally, and a zombie touches only its own dead fold', async () => {
    let finals = 0;
    const definition: WorkflowDefinition = workflow(async ({ act }) => {
      void delay(2).then(() => act('zombie'));
      try {
        await act('a');
      } finally {
        finals++;
      }
    }, withHandler);
    const evicted = await drive(definition, [started()]);
    const successor = newFold(definition);
    successor.replay(evicted.history);
    await scheduler.pump(successor);
    await untilFault(evicted.fold);
    expect(evicted.fold.fault).toBeInstanceOf(ForeignAwaitError);
    expect(evicted.fold.takeEmitted()).toEqual([]);
    expect(finals).toBe(0);
  });
});
