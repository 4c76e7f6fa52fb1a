import { setImmediate } from 'node:timers';
import type { CommitAnswer, Journal, Turn } from '../../../journal/index.js';

const GROUP = 12;
const FLUSHES_AT_ONCE = 2;

interface Waiting {
  readonly turn: Turn;
  readonly resolve: (answer: CommitAnswer) => void;
  readonly reject: (error: unknown) => void;
}

/** Commits turns that are ready together in one batch, as an engine does. */
export class StressCommitter {
  readonly #journal: Journal;
  #waiting: Waiting[] = [];
  #flushing = 0;

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  commit(turn: Turn): Promise<CommitAnswer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ turn, resolve, reject });
      setImmediate(() => void this.#flush());
    });
  }

  async #flush(): Promise<void> {
    const owner = this.#waiting[0]?.turn.lease.owner;
    if (owner === undefined || this.#flushing >= FLUSHES_AT_ONCE) return;
    const batch = this.#waiting.filter(({ turn }) => turn.lease.owner === owner).slice(0, GROUP);
    this.#waiting = this.#waiting.filter((waiting) => !batch.includes(waiting));
    this.#flushing++;
    try {
      const answers = await this.#journal.commit(batch.map(({ turn }) => turn));
      batch.forEach(({ resolve, reject }, i) => {
        const answer = answers[i];
        if (answer === undefined) reject(new Error('A turn came back without an answer.'));
        else resolve(answer);
      });
    } catch (error) {
      for (const { reject } of batch) reject(error);
    } finally {
      this.#flushing--;
      void this.#flush();
    }
  }
}
