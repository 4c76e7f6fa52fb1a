import { describe, expect, it } from '@jest/globals';
import type { WorkerDeath } from '../../lib/journal/index.js';
import { asRunId } from '../../lib/journal/index.js';
import {
  LOST_TURN_DELAY,
  NO_DEATHS,
  answerToConflict,
  answerToReuse,
  countDeath,
  decodeCursor,
  delayOf,
  encodeCursor,
  mayDoBetter,
} from '../../lib/journal/rules/index.js';

const worker = (name: string, buildId = 'build'): WorkerDeath => ({
  name,
  host: 'dock',
  pid: 7,
  buildId,
  at: 0,
  stuck: false,
});

describe('rules that every journal obeys', () => {
  it('a delay doubles from its first time on, up to its longest', () => {
    expect([1, 3, 4, 5, 11, 12, 5_000].map((times) => delayOf(LOST_TURN_DELAY, times))).toEqual([
      1_000, 1_000, 2_000, 4_000, 256_000, 300_000, 300_000,
    ]);
  });

  it('the third death makes a suspect, which waits; it is blocked when it was the only one twice in a row', () => {
    const two = countDeath(countDeath(NO_DEATHS, worker('a'), 9), worker('b'), 9);
    expect(two).toMatchObject({ deaths: 2, crowd: 0, delay: 0, verdict: null });
    const three = countDeath(two, worker('c'), 1);
    expect(three).toMatchObject({ deaths: 3, crowd: 1, delay: 1_000, verdict: null });
    const four = countDeath(three, worker('d'), 1);
    expect(four).toMatchObject({ deaths: 4, crowd: 1, delay: 2_000, verdict: null });
    expect(countDeath(four, worker('e'), 2)).toMatchObject({ crowd: 2, delay: 4_000, verdict: null });
    const five = countDeath(four, worker('e'), 1);
    expect(five).toMatchObject({ deaths: 5, delay: 600_000 });
    expect(five.verdict).toMatch(/^5 workers died while they ran it: e \(process 7 on dock\), d .* dock\)$/);
    expect(countDeath(five, worker('f'), 1).verdict).toMatch(/^6 workers died .*, and others before$/);
  });

  it('another build may do better, unless builds tell nothing or died of it as well', () => {
    expect(mayDoBetter('build', 'build', NO_DEATHS)).toBe(false);
    expect(mayDoBetter('other', 'build', NO_DEATHS)).toBe(true);
    const killedBy = (...builds: string[]) => ({
      deaths: builds.length,
      crowd: 1,
      killed: builds.map((build) => worker('w', build)),
    });
    expect(mayDoBetter('other', 'build', killedBy('build', 'build', 'build'))).toBe(true);
    expect(mayDoBetter('other', 'build', killedBy('build', 'other', 'build'))).toBe(false);
    expect(mayDoBetter('other', 'build', killedBy('1', '2', '3'))).toBe(false);
  });

  it('policies answer a start, or let it begin', () => {
    const runId = asRunId('r');
    expect(answerToConflict('fail', runId)).toEqual({ type: 'conflict', runId });
    expect(answerToConflict('terminateExisting', runId)).toBeNull();
    expect(answerToReuse('allowIfFailed', runId, 'completed')).toMatchObject({ type: 'reuse refused' });
    expect(answerToReuse('allowIfFailed', runId, 'cancelled')).toBeNull();
    expect(answerToReuse('reject', runId, 'failed')).toMatchObject({ type: 'reuse refused' });
    expect(answerToReuse('useExisting', runId, 'failed')).toEqual({ type: 'existing', runId });
  });

  it('a cursor is read as it was written, and nothing else is', () => {
    const place = { startedAt: 1.5, runId: asRunId('01890a5d-ac96-774b-bcce-b302099a8057') };
    expect(decodeCursor(encodeCursor(place))).toEqual(place);
    const text = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const odd of ['', 'x', text(null), text([1]), text([1, 'no uuid']), text(['1', place.runId])]) {
      expect(() => decodeCursor(odd)).toThrow(/Begin again without a cursor/);
    }
  });
});
