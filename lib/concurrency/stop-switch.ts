/** Why an attempt is asked to stop. */
export type StopReason = 'cancelled' | 'lease lost' | 'shutting down' | 'run closed';

/** Continuum asked an activity to stop: the `reason` of its AbortSignal. */
export class StopRequest extends Error {
  override readonly name: string = 'AbortError';
  constructor(readonly why: StopReason) {
    super(`The activity was asked to stop: ${why}.`);
  }
}

/** An AbortController that costs nothing until somebody asks for its signal: most activities never do. */
export class StopSwitch {
  #reason: Error | null = null;
  #controller: AbortController | undefined;
  /** Made when somebody listens: most attempts never wait for a slot. */
  #listeners: Set<() => void> | null = null;

  get reason(): Error | null {
    return this.#reason;
  }
  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#reason) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  /** The first reason counts. */
  stop(reason: Error): void {
    if (this.#reason) return;
    this.#reason = reason;
    if (this.#listeners) for (const listener of this.#listeners) listener();
    this.#controller?.abort(reason);
  }

  listen(listener: () => void): () => void {
    const listeners = (this.#listeners ??= new Set());
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }
}
