import type { HistoryEntry, HistoryEvent } from '../../core/index.js';
import type { InboxMessage } from '../../journal/index.js';
import type { WorkKind } from './work-kind.js';

/** A kind of work for which nothing goes on in this process: others do it, and what comes of it are messages. */
export abstract class QuietKind implements WorkKind {
  abstract committed(entry: HistoryEntry): void;
  abstract received(message: InboxMessage): HistoryEvent | null;

  recover(): void {}
  drain(): void {}
  stop(): void {}
}
