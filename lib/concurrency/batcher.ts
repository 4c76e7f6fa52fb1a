import { setImmediate } from 'node:timers';
import { inRootContext } from './root-context.js';

/**
 * Gathers what is asked for together and does it in one round trip.
 *
 * A flush starts at the end of the event-loop turn while a writer is free, so that low load pays no delay and high
 * load forms large batches by itself ("commit when idle").
 */
export class Batcher<Request, Answer> {
  #queue: Waiting<Request, Answer>[] = [];
  #active = 0;
  #scheduled = false;
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
    return new Promise((resolve, reject) => this.put(request, resolve, reject));
  }

  /** As {@link ask}, for a caller that has a promise already. */
  put(request: Request, resolve: (answer: Answer) => void, reject: (error: unknown) => void): void {
    this.#queue.push({ request, resolve, reject });
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled || this.#queue.length === 0) return;
    this.#scheduled = true;
    // In an empty context: the batch is shared, and must not run in the context of the request that happened to come first.
    inRootContext(setImmediate, this.#begin);
  }

  readonly #begin = (): void => {
    this.#scheduled = false;
    while (this.#queue.length > 0 && this.#active < (this.#limits.writers ?? 2))
      void this.#write(this.#take());
  };

  #take(): Waiting<Request, Answer>[] {
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

  async #write(batch: readonly Waiting<Request, Answer>[]): Promise<void> {
    this.#active++;
    await this.#answer(batch);
    this.#active--;
    this.#schedule();
  }

  async #answer(batch: readonly Waiting<Request, Answer>[]): Promise<void> {
    let answers: readonly Answer[];
    try {
      answers = await this.#flush(batch.map((waiting) => waiting.request));
    } catch (error) {
      // One request that cannot be written must not fail the others: halve the batch until that one is alone.
      if (batch.length > 1 && this.#limits.oneAtFault(error)) {
        await this.#answer(batch.slice(0, batch.length >> 1));
        await this.#answer(batch.slice(batch.length >> 1));
      } else for (const waiting of batch) waiting.reject(error);
      return;
    }
    for (const [i, waiting] of batch.entries()) {
      try {
        waiting.resolve(answers[i]!);
      } catch (error) {
        // It is in trouble by itself. The others have their answers all the same: what was written is written.
        waiting.reject(error);
      }
    }
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

interface Waiting<Request, Answer> {
  readonly request: Request;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}
