import type { StopSwitch } from './stop-switch.js';

/** Limits how many things run at a time. Where no slot is free, one waits in line. */
export class Slots {
  #free: number;
  readonly #line = new Set<() => void>();

  constructor(readonly size: number) {
    this.#free = size;
  }

  get waiting(): number {
    return this.#line.size;
  }

  /** Whether a slot was free; then it is taken. */
  tryTake(): boolean {
    if (this.#free === 0) return false;
    this.#free--;
    return true;
  }

  /** Waits in line. Resolves to `true` with a slot taken, to `false` when it was stopped first. */
  take(stop: StopSwitch): Promise<boolean> {
    if (stop.reason) return Promise.resolve(false);
    if (this.tryTake()) return Promise.resolve(true);
    return new Promise((resolve) => {
      const enter = (): void => {
        ignore();
        resolve(true);
      };
      const ignore = stop.listen(() => {
        this.#line.delete(enter);
        resolve(false);
      });
      this.#line.add(enter);
    });
  }

  free(): void {
    if (this.#line.size === 0) {
      this.#free++;
      return;
    }
    const [next] = this.#line;
    // Not undefined: there is one.
    this.#line.delete(next!);
    next!();
  }
}
