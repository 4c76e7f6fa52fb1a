import type { HistoryEvent } from '../../core/index.js';
import { readLetterName } from '../../journal/index.js';
import type { InboxMessage, RunId } from '../../journal/index.js';
import { QuietKind } from './quiet-kind.js';

/** What one resident run has sent to others. Whoever delivers it tells so by a message. */
export class RunMessages extends QuietKind {
  readonly #runId: RunId;

  constructor(runId: RunId) {
    super();
    this.#runId = runId;
  }

  /** `null` of what a run before this one has sent. */
  received({ name, at }: InboxMessage): HistoryEvent | null {
    const { runId, command: id, news } = readLetterName(name ?? '');
    if (runId !== this.#runId) return null;
    if (news === 'delivered') return { type: 'message_delivered', at, id };
    if (news !== 'not found' && news !== 'not running') return null;
    return { type: 'message_not_delivered', at, id, why: news };
  }
}
