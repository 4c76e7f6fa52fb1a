import type { ActorId, RunId, WorkerId } from '../ids.js';

/**
 * What runs send to each other, children's ends too. It is kept by the write of the turn that sends it, and delivered by any
 * worker of the namespace, each once: so no commit waits for the row of another run, and none is lost with its process.
 */
export interface JournalOutbox {
  /**
   * Delivers what is due, at most `limit` of it. What one run sends to another arrives in the order in which it was sent. A
   * target that somebody has locked keeps nothing else waiting, and gets its share a moment later. What is for a run that has
   * ended is dropped, unless it starts another one.
   */
  deliver(namespace: string, limit: number): Promise<Delivery>;
}

export interface Delivery {
  /** How much was done, with what was dropped. */
  readonly done: number;
  /** Actors with a new message. */
  readonly reached: readonly { readonly actorId: ActorId; readonly owner: WorkerId | null }[];
  /** Runs that were terminated. */
  readonly ended: readonly RunId[];
  /** Some of it is for a run that somebody has locked: it is due again in a moment. */
  readonly held: boolean;
  /** There may be more that is due. */
  readonly more: boolean;
}
