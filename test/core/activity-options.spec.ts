import { describe, expect, it } from '@jest/globals';
import {
  InvalidActivityOptionsError,
  recordedOptions,
  resolveActivityOptions,
} from '../../lib/core/index.js';

class DeclinedError extends Error {}

describe('the options of an activity', () => {
  it('have defaults', () => {
    expect(resolveActivityOptions({})).toEqual({
      retry: {
        maxAttempts: 3,
        initialInterval: 1_000,
        backoff: 2,
        maxInterval: 60_000,
        jitter: 0.2,
        nonRetryable: [],
      },
      timeout: 300_000,
      scheduleToCloseTimeout: null,
      heartbeatTimeout: null,
      concurrency: null,
    });
  });

  it('are kept where they are given', () => {
    expect(
      resolveActivityOptions({
        name: 'charge',
        retry: {
          maxAttempts: Infinity,
          initialInterval: 50,
          nonRetryable: [DeclinedError, 'Fraud'],
          backoff: undefined,
        },
        timeout: '30s',
        scheduleToCloseTimeout: '1 hour',
        heartbeatTimeout: '5s',
        concurrency: 4,
      }),
    ).toEqual({
      retry: {
        maxAttempts: Infinity,
        initialInterval: 50,
        backoff: 2,
        maxInterval: 60_000,
        jitter: 0.2,
        nonRetryable: ['DeclinedError', 'Fraud'],
      },
      timeout: 30_000,
      scheduleToCloseTimeout: 3_600_000,
      heartbeatTimeout: 5_000,
      concurrency: 4,
    });
  });

  it.each([
    [{ name: '' }, '"name" is'],
    [{ concurrency: 0 }, '"concurrency" is a whole number from 1, not 0.'],
    [{ concurrency: Infinity }, '"concurrency" is a whole number from 1, not Infinity.'],
    [{ timeout: 0 }, '"timeout" is a duration above zero, not 0.'],
    [
      { timeout: '3600' },
      '"timeout" is a duration: milliseconds, or text with a unit such as "30s", not "3600".',
    ],
    [{ timeout: Number.NaN }, '"timeout" is a duration'],
    [{ scheduleToCloseTimeout: -1 }, '"scheduleToCloseTimeout" is a duration'],
    [{ heartbeatTimeout: 0 }, '"heartbeatTimeout" is a duration above zero, not 0.'],
    [{ retry: { maxAttempts: 1.5 } }, '"retry.maxAttempts" is a whole number from 1, or Infinity, not 1.5.'],
    [{ retry: { initialInterval: -1 } }, '"retry.initialInterval" is a duration'],
    [{ retry: { backoff: 0.5 } }, '"retry.backoff" is a number from 1, not 0.5.'],
    [{ retry: { maxInterval: 'soon' } }, '"retry.maxInterval" is a duration'],
    [{ retry: { jitter: 1.1 } }, '"retry.jitter" is a number from 0 to 1, not 1.1.'],
    [{ retry: { jitter: Number.NaN } }, '"retry.jitter" is a number from 0 to 1, not NaN.'],
    [
      { retry: { nonRetryable: ['', 5] } },
      '"retry.nonRetryable" is a list of error classes or of their names',
    ],
    [
      { retry: { nonRetryable: 'Declined' } },
      '"retry.nonRetryable" is a list of error classes or of their names',
    ],
    [{ retries: 3 }, '"retries" is an unknown option. There are retry, timeout'],
    [{ retry: { tries: 3 } }, '"retry.tries" is an unknown option. There are maxAttempts'],
  ])('are refused out of range: %j', (options, problem) => {
    // What JavaScript lets through.
    expect(() => resolveActivityOptions(options as never)).toThrow(problem);
    expect(() => resolveActivityOptions(options as never)).toThrow(InvalidActivityOptionsError);
  });

  it('are refused all at once', () => {
    const error = caught(() => resolveActivityOptions({ timeout: 0, retry: { maxAttempts: 0 } }));

    expect(error).toBeInstanceOf(InvalidActivityOptionsError);
    expect((error as InvalidActivityOptionsError).problems).toHaveLength(2);
  });
});

describe('the options of one call', () => {
  it('are recorded in milliseconds and names, and only what was given', () => {
    expect(recordedOptions(undefined)).toBeNull();
    expect(recordedOptions({})).toBeNull();
    expect(recordedOptions({ timeout: undefined })).toBeNull();
    expect(
      recordedOptions({ timeout: '1m', retry: { maxAttempts: Infinity, nonRetryable: [DeclinedError] } }),
    ).toEqual({
      timeout: 60_000,
      retry: { maxAttempts: null, nonRetryable: ['DeclinedError'] },
    });
  });

  it('do not name the activity or limit how many run', () => {
    expect(() => recordedOptions({ name: 'x' } as never)).toThrow('"name" is an unknown option');
    expect(() => recordedOptions({ concurrency: 1 } as never)).toThrow('"concurrency" is an unknown option');
  });
});

function caught(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  throw new Error('Nothing was thrown.');
}
