import { JournalRetry } from '../journal/index.js';
import type { Observer } from './observer.js';

/** One for a process: its outages are told to an observer. */
export const observedRetry = (observer: Observer): JournalRetry =>
  new JournalRetry({
    began: (during, error) => observer.notice({ type: 'journal unavailable', during, error }),
    ended: () => observer.notice({ type: 'journal available' }),
  });
