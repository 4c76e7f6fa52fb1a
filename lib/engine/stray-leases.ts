import type { ActorId, HeartbeatAnswer } from '../journal/index.js';

type Owned = Extract<HeartbeatAnswer, { type: 'alive' }>['unread'][number];

/**
 * Finds leases that the database has given to this worker and that nobody here holds: the answer that brought them was
 * lost with its connection. Nobody else may take such a run up as long as the session lives.
 */
export class StrayLeases {
  #claimsBegun = 0;
  #claimsEnded = 0;
  #sighted = new Map<ActorId, { readonly token: number; readonly claimsBegun: number }>();

  /** What a claim brings is on its way until the claim is dealt with. Claims are made one after the other. */
  async duringClaim<T>(claim: () => Promise<T>): Promise<T> {
    this.#claimsBegun++;
    try {
      return await claim();
    } finally {
      this.#claimsEnded++;
    }
  }

  /** Told by a heartbeat, and not held here. Whether one of them is astray for sure: seen before, and no claim may still bring it. */
  found(unheld: readonly Owned[]): boolean {
    const before = this.#sighted;
    this.#sighted = new Map();
    let found = false;
    for (const { actorId, token } of unheld) {
      const earlier = before.get(actorId);
      const known = earlier?.token === token ? earlier : { token, claimsBegun: this.#claimsBegun };
      this.#sighted.set(actorId, known);
      found ||= known === earlier && this.#claimsEnded >= known.claimsBegun;
    }
    return found;
  }

  /** Of another session. */
  forget(): void {
    this.#sighted.clear();
  }
}
