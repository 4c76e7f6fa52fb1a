import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { resolveActivityOptions, retryDelay } from '../../lib/core/index.js';
import type { ResolvedRetryOptions } from '../../lib/core/index.js';
import { testSeed } from '../support/random.js';

const seed = testSeed();

/** From nothing at all to the largest number there is. */
const extreme = (from: number): fc.Arbitrary<number> =>
  fc.oneof(
    fc.double({ min: from, noNaN: true, noDefaultInfinity: true }),
    fc.constantFrom(from, from + Number.MIN_VALUE, from + 1, 2 ** 31, 2 ** 53, 1e300, Number.MAX_VALUE),
    fc.integer({ min: from, max: 100_000 }),
  );
const policies: fc.Arbitrary<ResolvedRetryOptions> = fc
  .record({
    initialInterval: extreme(0),
    backoff: extreme(1),
    maxInterval: extreme(0),
    jitter: fc.oneof(fc.constantFrom(0, 1), fc.double({ min: 0, max: 1, noNaN: true })),
    maxAttempts: fc.constant(Number.POSITIVE_INFINITY),
  })
  .map((retry) => resolveActivityOptions({ retry }).retry);
const failedAttempts = fc.oneof(
  fc.integer({ min: 1, max: 3_000 }),
  fc.constantFrom(1, 2, 1_024, 1_025, 2 ** 31, Number.MAX_SAFE_INTEGER),
);
const chances = fc.oneof(fc.constantFrom(0, 1 - Number.EPSILON), fc.double({ min: 0, max: 1, noNaN: true }));

describe(`Retry policy (seed ${seed})`, () => {
  it('tells a time that a date can, whatever its options are', () => {
    fc.assert(
      fc.property(policies, failedAttempts, chances, (retry, attempt, chance) => {
        const delay = retryDelay(retry, attempt, chance);
        expect(Number.isInteger(delay)).toBe(true);
        expect(delay).toBeGreaterThanOrEqual(0);
        expect(delay).toBeLessThanOrEqual(Math.round(retry.maxInterval));
        expect(Number.isNaN(new Date(Date.now() + delay).getTime())).toBe(false);
      }),
      { seed, numRuns: 5_000 },
    );
  });

  it('spreads what failed together over the longest pause, too', () => {
    const { retry } = resolveActivityOptions({
      retry: { initialInterval: '1s', maxInterval: '1m', jitter: 0.5 },
    });
    const delays = [0, 0.25, 0.5, 0.75, 1 - Number.EPSILON].map((chance) => retryDelay(retry, 100, chance));
    expect(delays).toEqual([60_000, 52_500, 45_000, 37_500, 30_000]);
  });

  it('grows from one attempt to the next, without chance', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 3_000 }), (retry, attempt) => {
        const steady = { ...retry, jitter: 0 };
        expect(retryDelay(steady, attempt + 1, 0)).toBeGreaterThanOrEqual(retryDelay(steady, attempt, 0));
      }),
      { seed, numRuns: 2_000 },
    );
  });
});
