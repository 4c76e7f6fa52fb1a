import { isEvent } from '../../core/index.js';
import type { CommandId, HistoryEntry, RunProgress } from '../../core/index.js';

/**
 * Workers died while they held this run. Whether it was the run that killed them is not known; what is known is when it
 * was not: once it went on in a living worker past everything that was under way when the last one died.
 *
 * So a turn clears it that records an event, while none of the activities is in flight any more that were when the run
 * was taken up. That other steps of the run make progress says nothing about the activity that still waits for its next
 * attempt. Nor does the end of such an activity by a failure, for that may be the record of the very death. What the
 * code itself does needs no more than an event: a replay comes to the same place, and dies there before it can record
 * one.
 *
 * Time alone clears nothing: an activity that kills its workers and waits for hours between its attempts would look the
 * same. Turns that record notes and no event, such as the next attempt of what was lost, clear nothing either.
 */
export class Suspicion {
  #deaths: number;
  /** Activities that were in flight when the run was taken up. */
  #underWay: ReadonlySet<CommandId> = NONE;

  /** @param deaths as the claim told */
  constructor(deaths: number) {
    this.#deaths = deaths;
  }

  get deaths(): number {
    return this.#deaths;
  }
  get open(): boolean {
    return this.#deaths > 0;
  }

  /** What the journal had when the run was taken up. */
  takenUp(progress: RunProgress): void {
    if (this.#deaths === 0) return;
    const underWay = new Set<CommandId>();
    for (const [id, work] of progress.inFlight) if (work.type === 'activity') underWay.add(id);
    this.#underWay = underWay;
  }

  /**
   * Whether a turn clears the run of it.
   *
   * @param progress with the turn's entries
   */
  isClearedBy(entries: readonly HistoryEntry[], progress: RunProgress): boolean {
    if (this.#deaths === 0 || !entries.some((entry) => this.#isEvidence(entry))) return false;
    for (const id of this.#underWay) if (progress.inFlight.has(id)) return false;
    return true;
  }

  /** Such a turn is committed. */
  cleared(): void {
    this.#deaths = 0;
    this.#underWay = NONE;
  }

  #isEvidence(entry: HistoryEntry): boolean {
    if (entry.type === 'activity_failed' || entry.type === 'activity_cancelled') {
      return !this.#underWay.has(entry.id);
    }
    return isEvent(entry);
  }
}

const NONE: ReadonlySet<CommandId> = new Set();
