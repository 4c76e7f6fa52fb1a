/*
 * Runs in a process of its own, started by process-guard.spec.ts: the cases named on the command line. Prints what
 * came of each as one line of JSON.
 */
import type { Fold, HistoryEvent, WorkflowDefinition } from '../../../lib/core/index.js';
import { durableCodec, Fold as RunFold, SEMANTICS_VERSION } from '../../../lib/core/index.js';
import { asyncScope } from '../../../lib/engine/process/async-scope.js';
import { traceForeign } from '../../../lib/engine/process/foreign-tracer.js';
import { guardProcess } from '../../../lib/engine/process/process-guard.js';
import { WindowScheduler } from '../../../lib/engine/process/window-scheduler.js';
import { ODD } from '../../support/odd-errors.js';

type Act = (name: string) => Promise<unknown>;

const scheduler = new WindowScheduler();
const heard: string[] = [];
const started: HistoryEvent = {
  type: 'run_started',
  at: 1,
  input: 'null',
  seed: 's',
  semanticsVersion: SEMANTICS_VERSION,
};
const completed = (id: number): HistoryEvent => ({ type: 'activity_completed', at: 1, id, result: 'null' });
const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function define(run: (act: Act) => Promise<unknown>): WorkflowDefinition {
  return {
    name: 'guarded',
    version: 1,
    compensation: 'automatic',
    signals: new Set(),
    queries: new Set(),
    activitiesOf: () => undefined,
    construct: (binding) => ({
      run: () =>
        run((name) => {
          const activity = { name, method: name, options: {} as never, compensation: null };
          return binding.schedule(activity, []);
        }),
    }),
  };
}

async function begin(run: (act: Act) => Promise<unknown>): Promise<Fold> {
  const identity = { workflowId: 'w', runId: 'r', namespace: 'n' };
  const fold = new RunFold({ definition: define(run), codec: durableCodec, run: identity, asyncScope });
  await feed(fold, started);
  return fold;
}

async function feed(fold: Fold, ...events: readonly HistoryEvent[]): Promise<Fold> {
  for (const event of events) {
    fold.feed(event);
    await scheduler.pump(fold);
  }
  return fold;
}

const told = (fold: Fold): string => fold.fault?.name ?? fold.progress.closed?.type ?? 'open';

/** Fails before anybody awaits it. */
const failing = async (): Promise<void> => {
  await null;
  throw new Error('of the run');
};

const CASES: Readonly<Record<string, () => Promise<unknown>>> = {
  async 'picked up later'() {
    const fold = await begin(async (act) => {
      const promise = failing();
      await act('a');
      return promise.catch(() => 'fine');
    });
    const shown = fold.floatingRejections.map(String);
    await feed(fold, completed(0));
    return { shown, told: told(fold), left: fold.floatingRejections.length };
  },

  async 'never picked up'() {
    const completing = await begin(async (act) => {
      void failing();
      await act('a');
    });
    await feed(completing, completed(0));
    const failed = await begin(async (act) => {
      void failing();
      await act('a');
      throw new Error('of its own');
    });
    await feed(failed, completed(0));
    return [told(completing), completing.fault?.message, told(failed)];
  },

  async 'outside windows'() {
    const stray = await begin(async (act) => {
      setTimeout(() => void failing(), 1);
      await act('a');
    });
    const other = await begin((act) => act('a'));
    while (!stray.fault) await immediate();
    return [told(stray), told(other)];
  },

  async 'thrown callbacks'() {
    const throwing = (schedule: (callback: () => void) => void) =>
      begin(async (act) => {
        schedule(() => {
          throw new Error('of a callback');
        });
        await act('a');
      });
    const inWindow = [
      await throwing(queueMicrotask),
      await throwing((callback) => process.nextTick(callback)),
    ];
    const later = await throwing((callback) => void setTimeout(callback, 1));
    while (!later.fault) await immediate();
    return [...inWindow, later].map((fold) => told(fold));
  },

  /** Whatever it is that is thrown, the process goes on; also where an application makes something else of stacks. */
  async 'odd things'() {
    Error.prepareStackTrace = (_error, frames) => frames;
    const endTracing = traceForeign();
    const faults: string[] = [];
    for (const odd of Object.values(ODD)) {
      const throwIt = (): never => {
        // What is thrown is the point.
        // oxlint-disable-next-line typescript/only-throw-error
        throw odd();
      };
      const callback = await begin(async (act) => {
        queueMicrotask(throwIt);
        await act('a');
      });
      const rejecting = await begin(async () => void Promise.resolve().then(throwIt));
      const later = await begin(async (act) => {
        setTimeout(() => void Promise.resolve().then(throwIt), 1);
        await act('a');
      });
      while (!later.fault) await immediate();
      for (const fold of [callback, rejecting, later]) faults.push(told(fold));
    }
    endTracing();
    return faults.filter((fault) => fault !== 'CallbackError' && fault !== 'FloatingRejectionError');
  },

  /** Of three runs in one phase only the one that threw is told, and its window closes before anything else runs. */
  async 'thrown among others'() {
    const folds: Fold[] = [];
    const identity = { workflowId: 'w', runId: 'r', namespace: 'n' };
    const runs = [
      (act: Act) => act('a'),
      async (act: Act) => {
        process.nextTick(() => {
          throw new Error('of a callback');
        });
        await act('a');
      },
      (act: Act) => act('a'),
    ];
    for (const run of runs) {
      const fold = new RunFold({ definition: define(run), codec: durableCodec, run: identity, asyncScope });
      fold.feed(started);
      folds.push(fold);
    }
    await Promise.all(folds.map((fold) => scheduler.pump(fold)));
    return folds.map((fold) => told(fold));
  },

  async 'application listens'() {
    process.on('unhandledRejection', (reason) => void heard.push(String(reason)));
    process.on('uncaughtException', (error) => void heard.push(`thrown ${String(error)}`));
    void Promise.reject(new Error('of the application'));
    setTimeout(() => {
      throw new Error('of a timer');
    }, 1);
    const fold = await begin(async (act) => {
      void failing();
      await act('a');
    });
    while (heard.length < 2) await immediate();
    return { heard, shown: fold.floatingRejections.length };
  },

  async 'application exits'() {
    process.on('unhandledRejection', () => process.exit(7));
    const fold = await begin(async (act) => {
      void failing();
      await act('a');
    });
    console.info(JSON.stringify(fold.floatingRejections.length));
    void Promise.reject(new Error('of the application'));
    await immediate();
    return 'the listener was not called';
  },

  /** What Node does by itself is for the spec to see: exit code and standard error. */
  async 'both, no listener'() {
    const fold = await begin(async (act) => {
      void failing();
      await act('a');
    });
    console.info(JSON.stringify({ shown: fold.floatingRejections.length, told: told(fold) }));
    void Promise.reject(new Error('of the application'));
    await immediate();
    return 'went on';
  },

  async evicted() {
    let fold: Fold | null = await begin(async (act) => {
      setTimeout(() => void failing(), 5);
      await act('a');
    });
    fold.close();
    fold = null;
    await new Promise((resolve) => setTimeout(resolve, 20));
    return 'went on';
  },

  async released() {
    releaseFirst();
    const stillGuarded = isGuarded();
    const second = guardProcess();
    second();
    releaseShared();
    releaseShared();
    const fold = await begin((act) => act('a'));
    return { stillGuarded, restored: !isGuarded(), told: told(fold) };
  },
};

/** Node has `emit` on a prototype. */
const isGuarded = (): boolean => Object.hasOwn(process, 'emit');

const releaseFirst = guardProcess();
const releaseShared = guardProcess();
for (const name of process.argv.slice(2)) console.info(JSON.stringify(await CASES[name]?.()));
