import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { guardProcess } from '../../../lib/engine/process/process-guard.js';
import { checkProgram, newTally } from '../../support/random-properties.js';
import { checkTree, newTreeTally } from '../../support/random-tree-properties.js';
import { testSeed } from '../../support/random.js';

/*
 * Thousands of programs: CONTINUUM_PROGRAMS=5000 npx jest test/core/fold/random-programs.spec.ts
 * One again: CONTINUUM_SEED=<its seed> CONTINUUM_PROGRAMS=1 …
 * For each fifteen of them a tree of runs is grown, from the same seed on.
 */
const seed = testSeed();
const programs = Number(process.env['CONTINUUM_PROGRAMS'] ?? 150);
const trees = Math.ceil(programs / 15);

describe('random programs', () => {
  let release: () => void;
  let limit: number;
  beforeAll(() => {
    release = guardProcess();
    // Stacks tell how a run came to a line, which is another way in a replay.
    limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
  });
  afterAll(() => {
    Error.stackTraceLimit = limit;
    release();
  });

  it(`F1, F2, F4, F9, F30: write one history however they are taken (${programs} from seed ${seed})`, async () => {
    const tally = newTally();
    for (let i = 0; i < programs; i++) await checkProgram(seed + i, tally);
    if (process.env['CONTINUUM_PROGRAMS']) console.info(JSON.stringify({ seed, ...tally }));
    expect(tally.programs).toBe(programs);
  }, 36_000_000);

  it(`F4, F17, F20, F30: write one history each, as trees of runs (${trees} from seed ${seed})`, async () => {
    const tally = newTreeTally();
    for (let i = 0; i < trees; i++) await checkTree(seed + i, tally);
    if (process.env['CONTINUUM_PROGRAMS']) console.info(JSON.stringify({ seed, ...tally }));
    expect(tally.runs).toBeGreaterThanOrEqual(trees);
  }, 36_000_000);
});
