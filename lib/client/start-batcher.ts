import {
  Backoff,
  ContentionError,
  JournalError,
  JournalUnavailableError,
  mayBeOneAtFault,
} from '../journal/index.js';
import { Batcher, pause } from '../concurrency/index.js';
import type { JournalSending, JournalRetry, StartAnswer, StartRequest } from '../journal/index.js';

/** What a start came to. */
export type Started = Exclude<StartAnswer, { type: 'again' | 'unanswered' }>;

/** How often a start is tried whose answer got lost. */
const TRIES = 6;

/**
 * Starts runs in batches. A start whose answer got lost is repeated: the journal recognises it by its run id. A start whose
 * workflow id an open transaction has waits outside of the batches, and holds up no other.
 */
export class StartBatcher {
  readonly #journal: JournalSending;
  readonly #batches: Batcher<StartRequest, StartAnswer>;
  /** Workflow ids that are waited for, and by how many: another start of such an id would only hold up its batch. */
  readonly #contended = new Map<string, number>();

  constructor(journal: JournalSending, journalRetry: JournalRetry) {
    this.#journal = journal;
    this.#batches = new Batcher((requests) => journalRetry.once('start', () => journal.start(requests)), {
      size: bytesOf,
      oneAtFault: mayBeOneAtFault,
    });
  }

  /**
   * Throws {@link ContentionError} when somebody's open transaction has the workflow id for too long.
   *
   * @param waits called when the start has to wait for that transaction. It gives the request to wait with, which may be
   *   another one: a start that waits should not hold a slot.
   */
  async ask(asked: StartRequest, waits?: () => StartRequest): Promise<Started> {
    let request = asked;
    let doubt: JournalError | undefined;
    const backoff = new Backoff();
    for (let tries = 1; ; tries++) {
      const answer = await this.#try(request, () => (request = waits?.() ?? request));
      if (answer.type !== 'unanswered') return answer;
      const { error } = answer;
      // Once the answer of a try was lost, the run may exist, whatever a later try fails with.
      if (error.ambiguous) doubt ??= error;
      const mayWork = error.ambiguous || error instanceof JournalUnavailableError;
      if (!doubt || !mayWork || tries === TRIES) throw doubt ?? error;
      await pause(backoff.next());
    }
  }

  async #try(
    request: StartRequest,
    waits: () => StartRequest,
  ): Promise<Exclude<StartAnswer, { type: 'again' }>> {
    const key = `${request.namespace}\u0000${request.workflowId}`;
    try {
      const answer = this.#contended.has(key) ? AGAIN : await this.#batches.ask(request);
      return answer.type === 'again' ? await this.#waitFor(key, waits()) : answer;
    } catch (error) {
      if (error instanceof JournalError) return { type: 'unanswered', error };
      throw error;
    }
  }

  async #waitFor(key: string, request: StartRequest): Promise<Exclude<StartAnswer, { type: 'again' }>> {
    this.#contended.set(key, (this.#contended.get(key) ?? 0) + 1);
    try {
      const [answer = AGAIN] = await this.#journal.start([request], { wait: true });
      const isHeld =
        answer.type === 'again' || (answer.type === 'unanswered' && answer.error instanceof ContentionError);
      return isHeld ? { type: 'unanswered', error: held(request) } : answer;
    } finally {
      const others = (this.#contended.get(key) ?? 1) - 1;
      if (others > 0) this.#contended.set(key, others);
      else this.#contended.delete(key);
    }
  }
}

/** What a start within its caller's transaction came to: there it has waited as the caller's connection does. */
export function decidedWithin(request: StartRequest, answer: StartAnswer | undefined): Started {
  if (answer === undefined || answer.type === 'again') throw held(request);
  if (answer.type === 'unanswered') throw answer.error;
  return answer;
}

const AGAIN = { type: 'again' } as const;

const held = ({ workflowId }: StartRequest): ContentionError =>
  new ContentionError(
    `Somebody's open transaction has started the workflow "${workflowId}", or holds the run that has this id, and the start has waited some seconds for its end. Nothing was started: start it again.`,
  );

/** About what a start weighs on the wire. The entries of its first turn repeat the input at most. */
const bytesOf = (request: StartRequest): number => 200 + request.input.length * (request.first ? 2 : 1);
