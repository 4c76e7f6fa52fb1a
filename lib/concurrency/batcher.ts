import { setImmediate } from 'node:timers';
import { inRootContext } from './root-context.js';

/** Turns of the event loop that a batch waits for more at most, so that a loop which never rests does not hold it up. */
const LONGEST_GATHERING = 3;

/**
 * Gathers what is asked for together and does it in one round trip.
 *
 * While a writer is free, a flush starts as soon as a turn of the event loop has brought nothing more. So low load pays no delay,
 * and high load forms large batches by itself: those that one batch has answered ask again within a turn or two, and stay
 * together. Without that they would part at every answer, and each part would cost a round trip and a commit of its own.
 */
export class Batcher<Request, Answer> {
  #queue: Asker<Request, Answer>[] = [];
  #active = 0;
  #scheduled = false;
  /** How many had come when the last turn of the loop ended, and how many turns the batch has waited for more. */
  #gathered = 0;
  #turns = 0;
  #lastSize = 0;
  readonly #flush: (requests: readonly Request[]) => Promise<readonly Answer[]>;
  readonly #limits: BatchLimits<Request>;

  constructor(
    flush: (requests: readonly Request[]) => Promise<readonly Answer[]>,
    limits: BatchLimits<Request>,
  ) {
    this.#flush = flush;
    this.#limits = limits;
  }

  /** Rejects with what the batch's flush rejected with. */
  ask(request: Request): Promise<Answer> {
    return new Promise((answered, failed) => this.put({ request, answered, failed }));
  }

  /** As {@link ask}, without a promise: for who asks many times. */
  put(asker: Asker<Request, Answer>): void {
    this.#queue.push(asker);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) return;
    this.#scheduled = true;
    this.#gathered = 0;
    this.#turns = 0;
    this.#nextTurn();
  }

  #nextTurn(): void {
    // In an empty context: the batch is shared, and must not run in the context of the request that happened to come first.
    inRootContext(setImmediate, this.#begin);
  }

  readonly #begin = (): void => {
    const { length } = this.#queue;
    // One that comes alone, as the one before it did, waits for nobody.
    const isAlone = length === 1 && this.#lastSize <= 1;
    if (!isAlone && length > this.#gathered && this.#turns < LONGEST_GATHERING) {
      this.#gathered = length;
      this.#turns++;
      return this.#nextTurn();
    }
    this.#scheduled = false;
    while (this.#queue.length > 0 && this.#active < (this.#limits.writers ?? 2))
      void this.#write(this.#take());
  };

  #take(): Asker<Request, Answer>[] {
    const { items = 300, bytes = 8_000_000, size } = this.#limits;
    if (size === undefined) return this.#queue.splice(0, items);
    let total = 0;
    let count = 0;
    while (count < this.#queue.length && count < items) {
      total += size(this.#queue[count]!.request);
      if (count > 0 && total > bytes) break;
      count++;
    }
    return this.#queue.splice(0, count);
  }

  async #write(batch: readonly Asker<Request, Answer>[]): Promise<void> {
    this.#active++;
    this.#lastSize = batch.length;
    await this.#answer(batch);
    this.#active--;
    this.#schedule();
  }

  async #answer(batch: readonly Asker<Request, Answer>[]): Promise<void> {
    let answers: readonly Answer[];
    try {
      answers = await this.#flush(batch.map((asker) => asker.request));
    } catch (error) {
      // One request that cannot be written must not fail the others: halve the batch until that one is alone.
      if (batch.length > 1 && this.#limits.oneAtFault(error)) {
        await this.#answer(batch.slice(0, batch.length >> 1));
        await this.#answer(batch.slice(batch.length >> 1));
      } else for (const asker of batch) asker.failed(error);
      return;
    }
    batch.forEach((asker, i) => {
      try {
        asker.answered(answers[i]!);
      } catch (error) {
        // It is in trouble by itself. The others have their answers all the same: what was written is written.
        asker.failed(error);
      }
    });
  }
}

export interface BatchLimits<Request> {
  /** Batches under way at a time. Defaults to 2. */
  readonly writers?: number;
  /** Requests in a batch. Defaults to 300. */
  readonly items?: number;
  /** Bytes in a batch, by `size`. Defaults to 8 MB; a single larger request goes alone. */
  readonly bytes?: number;
  readonly size?: (request: Request) => number;
  /** Whether one request may be what a flush failed for: then the batch is halved until that one is alone. */
  readonly oneAtFault: (error: unknown) => boolean;
}

/** Who waits for an answer. One of the two is called; the second one also when the first one throws. */
export interface Asker<Request, Answer> {
  readonly request: Request;
  answered(answer: Answer): void;
  failed(error: unknown): void;
}
