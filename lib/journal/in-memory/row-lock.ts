/** The lock of one row: at most one holder, and everybody who waits gets it in the order of asking. */
export class RowLock {
  #held = false;
  readonly #waiting: (() => void)[] = [];

  get held(): boolean {
    return this.#held;
  }

  /** Waits for the lock, and resolves to what gives it back. */
  async hold(): Promise<() => void> {
    while (this.#held) await this.released();
    return this.take();
  }

  /** Holds a lock that is free at this moment, and answers what gives it back. */
  take(): () => void {
    if (this.#held) throw new Error('The lock is held by somebody else.');
    this.#held = true;
    let mine = true;
    return () => {
      if (!mine) return;
      mine = false;
      this.#held = false;
      for (const wake of this.#waiting.splice(0)) wake();
    };
  }

  /** Resolves when the present holder is gone. Somebody else may hold the lock by then: look again. */
  released(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
