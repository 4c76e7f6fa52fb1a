import { testSeed } from '../../support/random.js';

/** How long a spec disturbs what it tests: short by default, `CONTINUUM_CHAOS_SECONDS` for a longer look. */
export function chaosSeconds(short: number): number {
  const given = process.env['CONTINUUM_CHAOS_SECONDS'];
  return given === undefined ? short : Number(given);
}

/** Whether somebody asked for a longer look. */
export const isLonger = (): boolean => process.env['CONTINUUM_CHAOS_SECONDS'] !== undefined;

/** The seed of this run, printed. */
export function chaosSeed(): number {
  const seed = testSeed();
  process.stdout.write(`chaos: CONTINUUM_SEED=${seed}\n`);
  return seed;
}
