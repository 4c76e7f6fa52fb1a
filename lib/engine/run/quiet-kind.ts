import type { HistoryEntry, HistoryEvent } from '../../core/index.js';
import type { InboxMessage } from '../../journal/index.js';
import type { Intake, WorkKind } from './work-kind.js';

/** Nothing comes of it by itself. */
const EMPTY: Intake = { notes: [], next: () => undefined, taken: () => undefined };

/** A kind of work for which nothing goes on in this process: others do it, and what comes of it are messages. */
export abstract class QuietKind implements WorkKind {
  readonly idle = true;

  abstract committed(entry: HistoryEntry): void;
  abstract received(message: InboxMessage): HistoryEvent | null;

  obstacle(): null {
    return null;
  }
  recover(): void {}
  drain(): void {}
  stop(): void {}
  settle(): boolean {
    return false;
  }
  take(): Intake {
    return EMPTY;
  }
  nextMoment(): null {
    return null;
  }
}
