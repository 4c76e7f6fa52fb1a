import { describe, expect, it } from '@jest/globals';
import { Backoff, JournalError, JournalUnavailableError, JournalRetry } from '../../lib/journal/index.js';
import { gate } from '../support/gate.js';

const unreachable = (): JournalUnavailableError => new JournalUnavailableError('connection refused', false);

describe('JournalRetry', () => {
  const told: string[] = [];
  const journalRetry = (now?: () => number): JournalRetry => {
    told.length = 0;
    return new JournalRetry(
      {
        began: (during) => void told.push(`began: ${during}`),
        ended: () => void told.push('ended'),
      },
      now,
    );
  };
  /** Fails so many times. */
  const failing = (times: number, error: JournalError = unreachable()): (() => Promise<string>) => {
    let left = times;
    return () => (left-- > 0 ? Promise.reject(error) : Promise.resolve('done'));
  };

  it('waits an outage out, and tells of its begin and its end once, however many wait', async () => {
    const patient = journalRetry();
    let isDown = true;
    let failures = 0;
    const attempt = (): Promise<string> => {
      if (!isDown) return Promise.resolve('done');
      if (++failures === 10) isDown = false;
      return Promise.reject(unreachable());
    };
    const all = ['load', 'commit', 'load', 'commit'].map((during) => patient.through(during, attempt));
    await expect(Promise.all(all)).resolves.toEqual(['done', 'done', 'done', 'done']);
    expect(told).toEqual(['began: load', 'ended']);
  });

  it('is not over for a part that still fails', async () => {
    const patient = journalRetry();
    await expect(patient.once('commit', failing(1))).rejects.toThrow(JournalUnavailableError);
    await patient.once('heartbeat', failing(0));
    await expect(patient.once('commit', failing(1))).rejects.toThrow(JournalUnavailableError);
    expect(told).toEqual(['began: commit']);
    await patient.once('commit', failing(0));
    expect(told).toEqual(['began: commit', 'ended']);
  });

  it('is over for what nobody tries again, once something else works', async () => {
    let now = 0;
    const patient = journalRetry(() => now);
    await expect(patient.once('looking for results', failing(1))).rejects.toThrow(JournalUnavailableError);
    now = 59_000;
    await patient.once('heartbeat', failing(0));
    expect(told).toEqual(['began: looking for results']);
    now = 61_000;
    await patient.once('heartbeat', failing(0));
    expect(told).toEqual(['began: looking for results', 'ended']);
    // The next one is told again.
    await expect(patient.once('heartbeat', failing(1))).rejects.toThrow(JournalUnavailableError);
    expect(told).toEqual(['began: looking for results', 'ended', 'began: heartbeat']);
  });

  it('tries nothing again that is not to be tried again', async () => {
    const patient = journalRetry();
    await expect(patient.through('load', failing(1, new JournalError('no')))).rejects.toThrow('no');
    expect(told).toEqual([]);
  });

  it('keeps nobody waiting behind its end', async () => {
    const patient = journalRetry();
    const tried = gate();
    const waits = patient.through('load', () => {
      tried.open();
      return Promise.reject(unreachable());
    });
    await tried.opened;
    patient.end();
    await expect(waits).rejects.toThrow(JournalUnavailableError);
    await expect(patient.through('load', failing(1))).rejects.toThrow(JournalUnavailableError);
  });

  it('pauses longer and longer, up to a limit', () => {
    const backoff = new Backoff(1_000, 100);
    const pauses = Array.from({ length: 8 }, () => backoff.next());
    [100, 200, 400, 800, 1_000, 1_000, 1_000, 1_000].forEach((about, i) => {
      expect(pauses[i]).toBeGreaterThanOrEqual(about * 0.75);
      expect(pauses[i]).toBeLessThanOrEqual(about * 1.25);
    });
  });
});
