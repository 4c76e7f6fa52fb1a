import { JournalUnavailableError } from '../journal/index.js';
import { pause } from './pause.js';

/** In ms. */
const FIRST_PAUSE = 50;
const LONGEST_PAUSE = 1_000;

/** Waits for a journal that cannot be reached: whoever holds a run would rather wait than give it up. */
export class Persistence {
  #ended = false;

  get ended(): boolean {
    return this.#ended;
  }

  /** From now on what fails fails. */
  end(): void {
    this.#ended = true;
  }

  /** Repeats what can be repeated. Throws {@link JournalUnavailableError} only behind the {@link end}. */
  async through<T>(attempt: () => Promise<T>): Promise<T> {
    for (let wait = FIRST_PAUSE; ; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof JournalUnavailableError) || this.#ended) throw error;
      }
      await pause(wait);
    }
  }
}
