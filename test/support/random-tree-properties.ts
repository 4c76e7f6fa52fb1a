import { FloatingRejectionError } from '../../lib/core/index.js';
import { refold } from './fold-kit.js';
import { brokenWithoutCode, wronglyCarried } from './random-oracles.js';
import { PropertyViolation, sameAgain, sameHistory } from './random-properties.js';
import { growTree } from './random-tree.js';
import type { TreeOptions, TreeRun } from './random-tree.js';
import { Chance } from './random.js';

export interface TreeTally {
  trees: number;
  runs: number;
  deepest: number;
  continued: number;
  forced: number;
  crashes: number;
  entries: number;
}

export const newTreeTally = (): TreeTally => ({
  trees: 0,
  runs: 0,
  deepest: 0,
  continued: 0,
  forced: 0,
  crashes: 0,
  entries: 0,
});

/** What holds for every tree of programs: every run of it writes the same history, whichever holders die when. */
export async function checkTree(seed: number, tally: TreeTally): Promise<void> {
  const calm = await growTree(seed, { afterTurn: (run) => checkRun(seed, run) });
  tally.trees++;
  for (const run of calm) {
    tally.runs++;
    tally.entries += run.history.length;
    tally.deepest = Math.max(tally.deepest, run.layer);
    if (run.fold.progress.closed?.type === 'run_continued') tally.continued++;
    if (run.history.some((entry) => entry.type === 'rollback_started' && entry.forced)) tally.forced++;
    await checkEnd(seed, run);
  }
  for (const [how, options] of Object.entries(disturbances(seed, tally))) {
    const again = await growTree(seed, options);
    for (const [i, run] of calm.entries()) {
      const name = `${how}: run ${i} "${run.runId}"`;
      if (again[i]?.runId !== run.runId) throw new PropertyViolation(seed, `${name} is another one`);
      sameHistory(seed, name, run.history, again[i].history);
    }
    if (again.length > calm.length) throw new PropertyViolation(seed, `${how}: more runs`);
  }
}

async function checkRun(seed: number, { definition, history, fold, options }: TreeRun): Promise<void> {
  if (!options.withoutCode) await sameAgain(seed, definition, history, fold.snapshot(), options);
}

async function checkEnd(seed: number, run: TreeRun): Promise<void> {
  const { fold, history, definition, options } = run;
  const name = `run "${run.runId}"`;
  // A promise that a random program drops may fail: then its last turn is refused, as it should be (F24).
  if (fold.fault !== null && !(fold.fault instanceof FloatingRejectionError))
    throw new PropertyViolation(seed, `${name} faults`, { cause: fold.fault });
  const again = await refold(definition, history, options);
  if (fold.fault === null && again.fault !== null)
    throw new PropertyViolation(seed, `${name}: its end faults`, { cause: again.fault });
  const isUndone =
    definition.compensation === 'automatic' && again.progress.closed?.type !== 'run_terminated';
  const end = history.at(-1);
  if (end?.type === 'run_continued' && end.carriedSignals !== run.carried.length)
    throw new PropertyViolation(
      seed,
      `${name}: F17: ${end.carriedSignals} left, ${run.carried.length} handed over`,
    );
  const broken = [
    ...(isUndone ? brokenWithoutCode(history, again) : []),
    ...wronglyCarried(history, run.carried),
  ];
  if (broken.length > 0) throw new PropertyViolation(seed, `${name}: ${broken.join(' ')}`);
}

function disturbances(seed: number, tally: TreeTally): Record<string, TreeOptions> {
  const chance = new Chance(seed * 13);
  const deaths = new Map<number, number>();
  return {
    'always replayed': { disturb: () => 'crash after the commit' },
    crashing: {
      disturb: (step) => {
        const here = deaths.get(step) ?? 0;
        deaths.set(step, here + 1);
        const luck = chance.next();
        if (luck < 0.6) tally.crashes++;
        if (luck < 0.25 && here < 2) return 'crash before the commit';
        return luck < 0.6 ? 'crash after the commit' : 'none';
      },
    },
  };
}
