import { describe, expect, it, jest } from '@jest/globals';
import type { Steppable } from '../../lib/core/index.js';
import { WindowScheduler } from '../../lib/engine/process/window-scheduler.js';
import { completed, drive, newFold, started, workflow } from '../support/fold-kit.js';

/** Something to step: `steps` windows, then quiet. Writes down what happens. */
class Steps implements Steppable {
  readonly log: string[] = [];
  isOpen = false;
  readonly #name: string;
  readonly #onStep: (left: number) => void;
  #left: number;

  constructor(name: string, steps: number, onStep: (left: number) => void = () => undefined) {
    this.#name = name;
    this.#left = steps;
    this.#onStep = onStep;
  }
  step(): boolean {
    this.close();
    if (this.#left === 0) return false;
    this.isOpen = true;
    this.log.push(`${this.#name}${this.#left}`);
    this.#onStep(this.#left--);
    return true;
  }
  close(): void {
    this.isOpen = false;
  }
  rest(): boolean {
    this.close();
    return this.#left === 0;
  }
  hint(): number {
    return this.#left;
  }
}

describe('scheduler', () => {
  it('F1: between two steps nothing but microtasks and ticks runs', async () => {
    const order: string[] = [];
    const foreign: Promise<void>[] = [];
    const began = (begin: (then: () => void) => void): void =>
      void foreign.push(
        new Promise((resolve) =>
          begin(() => {
            order.push(`foreign, ${steps.isOpen ? 'in a window' : 'outside'}`);
            resolve();
          }),
        ),
      );
    const steps = new Steps('w', 3, (left) => {
      order.push(`open ${left}`);
      process.nextTick(() => queueMicrotask(() => order.push(`drained ${left}`)));
      began(setImmediate);
      began(setTimeout);
    });
    // Of one phase, however busy the machine is.
    await new WindowScheduler({ timePerPhase: 60_000 }).pump(steps);
    expect(order.slice(0, 6)).toEqual(['open 3', 'drained 3', 'open 2', 'drained 2', 'open 1', 'drained 1']);
    await Promise.all(foreign);
    expect(order.filter((entry) => entry === 'foreign, in a window')).toEqual([]);
    expect(order.filter((entry) => entry === 'foreign, outside')).toHaveLength(6);
  });

  it('F1: foreign continuations never run in a window, however runs are mixed and phases cut', async () => {
    const definition = workflow(async ({ act }) => {
      const leak = async (): Promise<void> => {
        await new Promise((resolve) => setTimeout(resolve, 1));
        await act('leak');
      };
      void leak().catch(() => undefined);
      for (let i = 0; i < 12; i++) await act('a', i);
    });
    const scheduler = new WindowScheduler({ stepsPerPhase: 5, stepsPerRun: 2 });
    const folds = Array.from({ length: 40 }, () => newFold(definition));
    for (const fold of folds) fold.feed(started());
    await Promise.all(folds.map((fold) => scheduler.pump(fold)));
    for (let i = 0; i < 12; i++) {
      for (const fold of folds) fold.feed(completed(i));
      await Promise.all(folds.map((fold) => scheduler.pump(fold)));
    }
    const leaked = folds
      .flatMap((fold) => fold.takeEmitted())
      .filter((entry) => 'name' in entry && entry.name === 'leak');
    expect(leaked).toEqual([]);
    expect(
      folds.every((fold) => fold.fault?.name === 'ForeignAwaitError' || fold.progress.closed !== null),
    ).toBe(true);
  });

  it('F1: a chain that ends before its fold is quiet ends with a closed window', async () => {
    const steps = new Steps('w', 5);
    const seen: boolean[] = [];
    const pumped = new WindowScheduler({ stepsPerRun: 2 }).pump(steps);
    const look = (): void => {
      seen.push(steps.isOpen);
      if (steps.log.length < 5) setImmediate(look);
    };
    setImmediate(look);
    await pumped;
    expect(seen.length).toBeGreaterThan(1);
    expect(seen).not.toContain(true);
  });

  it('F28: one phase takes at most so many steps of one run, and of all', async () => {
    const perPhase: number[] = [];
    let inPhase = 0;
    const count = (): void => {
      if (inPhase++ === 0) {
        setImmediate(() => {
          perPhase.push(inPhase);
          inPhase = 0;
        });
      }
    };
    const scheduler = new WindowScheduler({ stepsPerPhase: 6, stepsPerRun: 4 });
    const many = Array.from({ length: 5 }, (_, i) => new Steps(String(i), 9, count));
    await Promise.all(many.map((steps) => scheduler.pump(steps)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(Math.max(...perPhase)).toBeLessThanOrEqual(6);
    expect(perPhase.reduce((sum, n) => sum + n, 0)).toBe(45);
  });

  it('F28: all get their turn: a long run does not keep a short one waiting', async () => {
    const scheduler = new WindowScheduler({ stepsPerPhase: 8, stepsPerRun: 4 });
    const [long, short] = [new Steps('long', 1000), new Steps('short', 3)];
    const all = scheduler.pump(long);
    await scheduler.pump(short);
    expect(long.log.length).toBeLessThan(20);
    await all;
    expect(long.log).toHaveLength(1000);
  });

  it('F28: a phase that took long enough leaves the rest to the next', async () => {
    const slow = (): void => {
      const end = performance.now() + 2;
      while (performance.now() < end);
    };
    const scheduler = new WindowScheduler({ timePerPhase: 1 });
    const steps = new Steps('slow', 6, slow);
    let others = 0;
    const beat = (): void => {
      others++;
      if (steps.log.length < 6) setImmediate(beat);
    };
    setImmediate(beat);
    await scheduler.pump(steps);
    expect(others).toBeGreaterThan(4);
    expect(steps.log).toHaveLength(6);
  });

  it('F3: pumping twice is pumping once; a fold that throws rejects its pump and harms no other', async () => {
    const scheduler = new WindowScheduler();
    const steps = new Steps('w', 3);
    expect(scheduler.pump(steps)).toBe(scheduler.pump(steps));
    const broken = new Steps('x', 1, () => {
      throw new Error('broken');
    });
    await expect(scheduler.pump(broken)).rejects.toThrow('broken');
    await scheduler.pump(steps);
    expect(steps.log).toEqual(['w3', 'w2', 'w1']);
  });

  it('F3: a fold that is fed again while it is pumped is stepped on', async () => {
    const definition = workflow(async ({ act }) => [await act('a'), await act('b')]);
    const { fold } = await drive(definition, [started()]);
    const scheduler = new WindowScheduler();
    fold.feed(completed(0));
    const pumped = scheduler.pump(fold);
    fold.feed(completed(0));
    await pumped;
    expect(fold.progress.inFlight.has(1)).toBe(true);
  });

  it.each(['modern', 'legacy'] as const)('F26: %s fake timers do not stop it', async (kind) => {
    jest.useFakeTimers({ legacyFakeTimers: kind === 'legacy' });
    try {
      const { fold } = await drive(
        workflow(({ act }) => act('a')),
        [started(), completed(0)],
      );
      expect(fold.progress.closed?.type).toBe('run_completed');
    } finally {
      jest.useRealTimers();
    }
  });

  it('F26: a run whose own ticks are faked is stuck, and its fault says so', async () => {
    jest.useFakeTimers();
    try {
      const { fold } = await drive(
        workflow(() => new Promise((resolve) => process.nextTick(resolve))),
        [started()],
      );
      expect(fold.fault?.message).toContain('fake timers');
    } finally {
      jest.useRealTimers();
    }
  });

  it('a listener that throws hears of it, and the folds beside it and after it go on', async () => {
    const scheduler = new WindowScheduler();
    const heard: unknown[] = [];
    const other = scheduler.pump(new Steps('first', 1));
    scheduler.pumpFor(
      {
        quiet: () => {
          throw new Error('its own trouble');
        },
        pumpFailed: (error) => heard.push(error),
      },
      new Steps('thrower', 1),
      null,
    );
    await Promise.all([other, scheduler.pump(new Steps('beside', 2))]);
    expect(heard).toEqual([new Error('its own trouble')]);
    await scheduler.pump(new Steps('after', 1));
  });
});
