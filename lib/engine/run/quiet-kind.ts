import type { HistoryEvent } from '../../core/index.js';
import type { InboxMessage } from '../../journal/index.js';
import type { WorkKind } from './work-kind.js';

/**
 * A kind of work for which nothing goes on in this process: others do it, and what comes of it are messages. That there is something
 * for them is told once for each turn, and not here.
 */
export abstract class QuietKind implements WorkKind {
  abstract received(message: InboxMessage): HistoryEvent | null;

  committed(): void {}
  recover(): void {}
  drain(): void {}
  stop(): void {}
}
