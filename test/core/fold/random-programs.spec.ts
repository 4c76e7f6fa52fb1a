import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { guardProcess } from '../../../lib/engine/process/process-guard.js';
import { checkProgram, newTally } from '../../support/random-properties.js';
import { testSeed } from '../../support/random.js';

/*
 * Thousands of programs: CONTINUUM_PROGRAMS=5000 npx jest test/core/fold/random-programs.spec.ts
 * One again: CONTINUUM_SEED=<its seed> CONTINUUM_PROGRAMS=1 …
 */
const seed = testSeed();
const programs = Number(process.env['CONTINUUM_PROGRAMS'] ?? 200);

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
  }, 3_600_000);
});
