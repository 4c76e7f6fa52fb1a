import { describe, expect, it } from '@jest/globals';
import { pause } from '../../lib/concurrency/index.js';
import type { HistoryEntryType } from '../../lib/core/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { activity, Stage } from '../support/stage.js';
import { PROGRAMS } from './support/crash-programs.js';
import type { Program } from './support/crash-programs.js';
import { mortalJournal, TROUBLES } from './support/mortal-journal.js';
import type { Trouble, Write } from './support/mortal-journal.js';

const NOTES: ReadonlySet<HistoryEntryType> = new Set(['activity_attempt', 'activity_heartbeat']);
/** A process that is gone is found quickly. Attempts that are lost with it are made again. */
const SETTINGS = { heartbeatInterval: 20, shutdownTimeout: 100 };
const RETRY = { maxAttempts: 100, initialInterval: 1, jitter: 0 };

interface Outcome {
  readonly answer: unknown;
  /** Each run with its state, and how many entries of each type it has; not those that a lost attempt adds. */
  readonly runs: readonly string[];
  readonly effects: ReadonlySet<string>;
  /** How many writes there were. */
  readonly writes: number;
}

/** Everything that one program did, though its n-th write came to trouble; 0: undisturbed. */
async function played(
  program: Program,
  which: readonly Write[],
  nth: number,
  trouble: Trouble,
): Promise<Outcome> {
  const store = new InMemoryStore();
  const effects = new Set<string>();
  const undo = activity('undo', (_, label: string) => void effects.add(`undo ${label}`), { retry: RETRY });
  const does = (_: unknown, label: string): string => {
    effects.add(`do ${label}`);
    return label;
  };
  const activities = [activity('do', does, { retry: RETRY, compensation: undo }), undo];
  const workflows = program.workflows.map((workflow) => ({
    ...workflow,
    queries: ['replays'],
    make: (script: Parameters<typeof workflow.make>[0]) => ({
      ...workflow.make(script),
      replays: () => true,
    }),
  }));
  const open = { activities, workflows, settings: SETTINGS };
  const hasLetters = (verb: Write): boolean => verb !== 'deliver' || store.outbox.length > 0;
  const { journal, died, writes } = mortalJournal(
    new InMemoryJournal(store),
    which,
    nth,
    trouble,
    hasLetters,
  );
  const first = await Stage.open({ ...open, journal });
  const outside = await Stage.open({ ...open, journal: new InMemoryJournal(store), worker: false });
  const stages = [outside, first];
  const answer = program.drive(outside.client);
  const dies = await Promise.race([answer.then(() => false), died.then(() => true)]);
  if (dies) stages.push(await nextProcess(store, first, open));
  const outcome = { answer: await answer, runs: await runsOf(outside), effects, writes: writes() };
  // Nothing drifted, and every turn went on.
  for (const { recorder } of stages)
    expect(recorder.events.filter(({ type }) => type === 'turn failed')).toEqual([]);
  await Promise.all(stages.map((stage) => stage.close()));
  return outcome;
}

/** The first one is gone without a word. */
async function nextProcess(
  store: InMemoryStore,
  gone: Stage,
  open: Omit<Parameters<typeof Stage.open>[0], 'journal'>,
): Promise<Stage> {
  const { engine } = gone.runtime;
  await engine!.abandon();
  // What it had under way is not tried again.
  gone.runtime.journalRetry.end();
  store.killProcess(engine!.session.id);
  const journal = new InMemoryJournal(store);
  const next = await Stage.open({ ...open, journal });
  while ((await journal.rescue('default')).deadWorkers.length === 0) await pause(SETTINGS.heartbeatInterval);
  return next;
}

/** Their code is replayed for it. */
async function runsOf({ client }: Stage): Promise<readonly string[]> {
  const { runs } = await client.list({ limit: 100 });
  const told = runs.map(async ({ workflow, workflowId, runId, state }) => {
    const handle = client.handle(workflowId, runId);
    const types = (await handle.history()).map(({ entry }) => entry.type);
    // Of a run that never began nobody can be asked.
    if (types.includes('run_started')) expect(await handle.query('replays')).toBe(true);
    const kept = types.filter((type) => !NOTES.has(type)).toSorted();
    return `${workflow} is ${state}: ${kept.join(', ')}`;
  });
  return (await Promise.all(told)).toSorted();
}

const COMMITS: readonly Write[] = ['commit', 'commitLocked'];
const DELIVERIES: readonly Write[] = ['deliver'];

describe.each(PROGRAMS)('$name', (program) => {
  it.concurrent.each(program.reaches ? [COMMITS, DELIVERIES] : [COMMITS])(
    'comes to the same though any %s comes to trouble',
    async (...which) => {
      const usual = await played(program, which, 0, 'is lost on its way');
      expect([...usual.effects].toSorted()).toEqual(program.effects.toSorted());
      const { answer, runs, effects } = usual;
      // All at once: each is a world of its own, and mostly waits.
      const cases = TROUBLES.flatMap((trouble) =>
        Array.from({ length: usual.writes }, async (_, i) => {
          const { writes: _writes, ...rest } = await played(program, which, i + 1, trouble);
          return { nth: i + 1, trouble, ...rest };
        }),
      );
      for (const disturbed of await Promise.all(cases)) {
        const { nth, trouble } = disturbed;
        expect(disturbed).toEqual({ nth, trouble, answer, runs, effects });
      }
    },
  );
});
