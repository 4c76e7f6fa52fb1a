import { performance } from 'node:perf_hooks';
import type { Instant } from '../../core/index.js';

/**
 * Estimates the database's clock, which is the only one for leases, timers and ordering. The process's own clock may
 * be hours off or jump: between two readings only the monotonic one is used.
 */
export class DatabaseClock {
  /** Database time minus monotonic time. */
  #offset: number;
  #error = Number.POSITIVE_INFINITY;
  #syncedAt = 0;

  constructor() {
    this.#offset = Date.now() - performance.now();
  }

  /** The database's time, as well as it is known. Whole milliseconds. */
  now(): Instant {
    return Math.floor(performance.now() + this.#offset);
  }

  /** A time that is surely not ahead of the database's. */
  safelyPast(): Instant {
    return this.now() - Math.ceil(Math.min(this.#bound(), 1_000));
  }

  /** How long to wait, in ms, until the database's clock has surely reached `instant`. */
  until(instant: Instant): number {
    return Math.max(0, instant - this.safelyPast());
  }

  /** Reads the clock: `databaseNow` was told between the local monotonic times `sentAt` and `receivedAt`. */
  sync(databaseNow: Instant, sentAt: number, receivedAt: number): void {
    const error = (receivedAt - sentAt) / 2 + 1;
    // A slow answer tells less than the last good one, until that one has drifted.
    if (error > this.#bound() && performance.now() - this.#syncedAt < 30_000) return;
    this.#offset = databaseNow - (sentAt + receivedAt) / 2;
    this.#error = error;
    this.#syncedAt = receivedAt;
  }

  /** The error of the last reading, and what quartz loses since (0.1 %). In ms. */
  #bound(): number {
    return this.#error + (performance.now() - this.#syncedAt) / 1_000;
  }
}
