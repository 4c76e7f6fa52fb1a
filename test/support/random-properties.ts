import type { Fold, FoldOptions, HistoryEntry, WorkflowDefinition } from '../../lib/core/index.js';
import { FloatingRejectionError, isEvent, isTerminal } from '../../lib/core/index.js';
import { refold } from './fold-kit.js';
import { brokenPromises, brokenWithoutCode } from './random-oracles.js';
import { compile, randomProgram, render } from './random-program.js';
import { continueFrom, forceEnd, live, RandomWorld } from './random-world.js';
import type { Life, LifeOptions } from './random-world.js';
import { Chance } from './random.js';

/** A random program did not keep what the fold promises. */
export class PropertyViolation extends Error {
  override readonly name = 'PropertyViolation';
  constructor(
    readonly seed: number,
    what: string,
    options?: ErrorOptions,
  ) {
    super(`Program ${seed}: ${what}`, options);
  }
}

export interface Tally {
  programs: number;
  events: number;
  crashes: number;
  patched: number;
  forced: number;
  endings: Record<string, number>;
}

export const newTally = (): Tally => ({
  programs: 0,
  events: 0,
  crashes: 0,
  patched: 0,
  forced: 0,
  endings: {},
});

/**
 * What holds for every program: live, replayed, in always-replay mode, with batches, crashes and evictions of any
 * kind it writes the same history and comes to the same state and outcome.
 */
export async function checkProgram(seed: number, tally: Tally, make = compileSeed): Promise<void> {
  const world = new RandomWorld(seed);
  const definition = make(seed, world.outside);
  const life = await live(definition, world, {
    afterTurn: (fold, history) => sameAgain(seed, definition, history, fold.snapshot()),
  });
  tally.programs++;
  tally.events += life.history.filter(isEvent).length;
  const ending = endingOf(life);
  tally.endings[ending] = (tally.endings[ending] ?? 0) + 1;
  if (life.fold.fault !== null) {
    // A promise that a random program drops may fail: then its last turn is refused, as it should be (F24).
    if (life.fold.fault instanceof FloatingRejectionError) return;
    throw new PropertyViolation(seed, 'faults while live', { cause: life.fold.fault });
  }
  const broken = brokenPromises(life);
  if (broken.length > 0) throw new PropertyViolation(seed, broken.join(' '));
  await checkDisturbed(seed, definition, world, life, tally);
  await checkPrefixes(seed, definition, world, life);
  await checkRollbackWithoutCode(seed, definition, world, life);
  await checkForcedEnd(seed, definition, world, life, tally);
  await checkPatched(seed, tally);
}

const compileSeed = (seed: number, outside: () => number): WorkflowDefinition =>
  compile(randomProgram(seed), outside);

const endingOf = ({ fold }: Life): string => fold.fault?.name ?? fold.progress.closed?.type ?? 'open';

/** F30: a strict fold of what was written comes to the same state. */
export async function sameAgain(
  seed: number,
  definition: WorkflowDefinition,
  history: readonly HistoryEntry[],
  snapshot: unknown,
  options: Partial<FoldOptions> = {},
): Promise<void> {
  const again = await refold(definition, history, options);
  if (again.fault) throw new PropertyViolation(seed, 'replay faults', { cause: again.fault });
  if (again.takeEmitted().length > 0) throw new PropertyViolation(seed, 'replay writes something');
  const [before, replayed] = [JSON.stringify(snapshot), JSON.stringify(again.snapshot())];
  if (before !== replayed)
    throw new PropertyViolation(seed, `states differ\nlive     ${before}\nreplayed ${replayed}`);
}

async function checkDisturbed(
  seed: number,
  definition: WorkflowDefinition,
  world: RandomWorld,
  calm: Life,
  tally: Tally,
): Promise<void> {
  for (const [name, options] of Object.entries(disturbances(seed, tally))) {
    const life = await live(definition, world, options);
    if (life.fold.fault) throw new PropertyViolation(seed, `${name}: faults`, { cause: life.fold.fault });
    sameHistory(seed, name, calm.history, life.history);
    if (endingOf(life) !== endingOf(calm)) throw new PropertyViolation(seed, `${name}: another outcome`);
  }
}

function disturbances(seed: number, tally: Tally): Record<string, LifeOptions> {
  const chance = new Chance(seed * 13);
  const crashes = new Map<number, number>();
  return {
    'always replayed': { disturb: () => 'crash after the commit' },
    batched: { batch: () => 1 + chance.below(5) },
    crashing: {
      batch: () => 1 + chance.below(4),
      disturb: (step) => {
        const here = crashes.get(step) ?? 0;
        crashes.set(step, here + 1);
        const luck = chance.next();
        if (luck < 0.6) tally.crashes++;
        if (luck < 0.25 && here < 2) return 'crash before the commit';
        return luck < 0.6 ? 'crash after the commit' : 'none';
      },
    },
  };
}

/** Any prefix of whole segments folds, and goes on as the whole did. */
async function checkPrefixes(
  seed: number,
  definition: WorkflowDefinition,
  world: RandomWorld,
  life: Life,
): Promise<void> {
  const cuts = life.history.flatMap((entry, i) => (i > 0 && isEvent(entry) ? [i] : []));
  if (cuts.length === 0) return;
  const chance = new Chance(seed);
  for (const cut of [chance.pick(cuts), chance.pick(cuts)]) {
    const rest = await continueFrom(definition, world, life.history, cut);
    if (rest.fold.fault)
      throw new PropertyViolation(seed, `prefix of ${cut}: faults`, { cause: rest.fold.fault });
    sameHistory(seed, `after a prefix of ${cut}`, life.history.slice(cut), rest.history);
  }
}

/** F18: a run that began before its code was patched goes on with it, and comes to the same state at every replay. */
async function checkPatched(seed: number, tally: Tally): Promise<void> {
  const program = randomProgram(seed);
  const world = new RandomWorld(seed);
  const [before, after] = [false, true].map((patched) => render(program, null, patched));
  if (before === after) return;
  tally.patched++;
  const definition = compile(program, world.outside, after);
  const deploy = { after: 1 + new Chance(seed * 29).below(12), definition };
  let old: Fold | null = null;
  const { fold } = await live(compile(program, world.outside, before), world, {
    deploy,
    afterTurn: async (turned, history) => {
      old ??= turned;
      if (turned !== old) await sameAgain(seed, definition, history, turned.snapshot());
    },
  });
  if (fold.fault !== null && !(fold.fault instanceof FloatingRejectionError))
    throw new PropertyViolation(seed, 'faults after a patch', { cause: fold.fault });
}

/** F22: from the recorded rollback on, no code is needed. */
async function checkRollbackWithoutCode(
  seed: number,
  definition: WorkflowDefinition,
  world: RandomWorld,
  life: Life,
): Promise<void> {
  const begin = life.history.findIndex((entry) => entry.type === 'rollback_started');
  if (begin < 0) return;
  const next = life.history.findIndex((entry, i) => i > begin && isEvent(entry));
  if (next < 0) return;
  const options: Partial<FoldOptions> = { withoutCode: true };
  const rest = await continueFrom(definition, world, life.history, next, options);
  if (rest.fold.fault)
    throw new PropertyViolation(seed, 'rollback without code faults', { cause: rest.fold.fault });
  sameHistory(seed, 'rollback without code', life.history.slice(next), rest.history);
}

/** F22: the time of a run ends while its code cannot go on: it is undone without it, by however many holders. */
async function checkForcedEnd(
  seed: number,
  definition: WorkflowDefinition,
  world: RandomWorld,
  life: Life,
  tally: Tally,
): Promise<void> {
  const cuts = life.history.flatMap((entry, i) => (i > 0 && isEvent(entry) ? [i] : []));
  if (cuts.length === 0) return;
  const before = life.history.slice(0, new Chance(seed * 71).pick(cuts));
  if (before.some(({ type }) => type === 'rollback_started' || type === 'deadline_passed')) return;
  tally.forced++;
  const from = [...before, ...(await forceEnd(definition, before))];
  const withCode = await refold(definition, from);
  if (withCode.fault === null) throw new PropertyViolation(seed, 'forced end: code comes to it');
  // There was nothing to undo: nobody takes it up any more.
  if (from.some((entry) => isTerminal(entry))) return;
  const options: LifeOptions = { from, fold: { withoutCode: true }, events: 120 };
  const calm = await live(definition, world, options);
  if (calm.fold.fault) throw new PropertyViolation(seed, 'forced end: faults', { cause: calm.fold.fault });
  const broken = definition.compensation === 'manual' ? [] : brokenWithoutCode(calm.history, calm.fold);
  if (broken.length > 0) throw new PropertyViolation(seed, `forced end: ${broken.join(' ')}`);
  const anew = await live(definition, world, { ...options, disturb: () => 'crash after the commit' });
  sameHistory(seed, 'forced end, always replayed', calm.history, anew.history);
}

export function sameHistory(
  seed: number,
  how: string,
  expected: readonly HistoryEntry[],
  actual: readonly HistoryEntry[],
): void {
  const length = Math.max(expected.length, actual.length);
  for (let i = 0; i < length; i++) {
    const [a, b] = [JSON.stringify(expected[i]), JSON.stringify(actual[i])];
    if (a !== b)
      throw new PropertyViolation(seed, `${how}: entry ${i + 1} differs\nexpected ${a}\nactual   ${b}`);
  }
}
