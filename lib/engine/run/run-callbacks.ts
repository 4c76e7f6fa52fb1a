import type { HistoryEvent } from '../../core/index.js';
import { readLetterName } from '../../journal/index.js';
import type { InboxMessage, RunId } from '../../journal/index.js';
import { QuietKind } from './quiet-kind.js';

/** Of a message that has to have one. */
const NOTHING = 'null';

/** The callbacks of one resident run. Whoever settles one puts a message into its inbox. */
export class RunCallbacks extends QuietKind {
  readonly #runId: RunId;

  constructor(runId: RunId) {
    super();
    this.#runId = runId;
  }

  /** `null` of a callback that a run before this one has opened: it has ended with that run. */
  received({ name, payload, at, by }: InboxMessage): HistoryEvent | null {
    const { runId, command: id, news } = readLetterName(name ?? '');
    if (runId !== this.#runId) return null;
    const told = by === undefined ? undefined : { by };
    if (news === 'completed')
      return { type: 'callback_completed', at, id, result: payload ?? NOTHING, ...told };
    if (news === 'failed') return { type: 'callback_failed', at, id, failure: payload ?? NOTHING, ...told };
    return news === 'taken' ? { type: 'callback_not_opened', at, id } : null;
  }
}
