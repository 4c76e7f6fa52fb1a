import type { WorkNote } from '../../core/index.js';
import type { Arrival, Intake } from '../run/work-kind.js';
import type { EndVerdict } from './attempt-verdict.js';

/** What activities have for one turn. */
export class ActivityIntake implements Intake {
  #taken = 0;
  constructor(
    readonly notes: readonly WorkNote[],
    /** In the order in which they came about. */
    readonly ends: readonly EndVerdict[],
  ) {}

  next(): Arrival | undefined {
    const event = this.ends[this.#taken]?.event;
    return event && { type: 'arrival', from: this, moment: event.at, event, byTime: false };
  }
  taken(): void {
    this.#taken++;
  }
}
