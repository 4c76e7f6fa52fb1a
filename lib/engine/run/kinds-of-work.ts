import { ENTRY_SHAPES } from '../../core/index.js';
import type { HistoryEntry, Instant } from '../../core/index.js';
import type { InboxMessage } from '../../journal/index.js';
import { RECEIVER_OF } from './work-kind.js';
import type { ActiveKind, Intake, KindName, Takeover, WorkKind } from './work-kind.js';

/**
 * The order of events of the same moment: those of the lower rank come first (F5). `null`: nothing of this kind comes about here,
 * so that no turn asks it.
 */
const RANK = {
  activity: 0,
  child: null,
  message: null,
  callback: null,
  timer: 1,
  deadline: 2,
} as const satisfies Readonly<Record<KindName, number | null>>;

type ActiveName = { [K in KindName]: (typeof RANK)[K] extends number ? K : never }[KindName];
/** One of each. */
type Kinds = Readonly<Record<ActiveName, ActiveKind> & Record<Exclude<KindName, ActiveName>, WorkKind>>;

// The cast: the keys are the names.
const NAMES = Object.keys(RANK) as KindName[];
const isActive = (kind: KindName): kind is ActiveName => RANK[kind] !== null;
const IN_ORDER = NAMES.filter(isActive).toSorted((a, b) => RANK[a] - RANK[b]);

/** Everything that a resident run has in flight, of all kinds. Turns, takeovers and shutdowns ask this, and know no kind by name. */
export class KindsOfWork {
  readonly #kinds: Kinds;
  readonly #inOrder: readonly ActiveKind[];

  constructor(kinds: Kinds) {
    this.#kinds = kinds;
    this.#inOrder = IN_ORDER.map((kind) => kinds[kind]);
  }

  get idle(): boolean {
    return this.#inOrder.every((kind) => kind.idle);
  }

  obstacle(): Error | null {
    for (const kind of this.#inOrder) {
      const obstacle = kind.obstacle();
      if (obstacle) return obstacle;
    }
    return null;
  }

  committed(entry: HistoryEntry, closed: boolean): void {
    const work = ENTRY_SHAPES[entry.type].work?.type;
    if (work !== undefined && work !== 'signal check') this.#kinds[work].committed(entry, closed);
  }
  recover(takeover: Takeover): void {
    for (const name of NAMES) this.#kinds[name].recover(takeover);
  }
  drain(): void {
    for (const name of NAMES) this.#kinds[name].drain();
  }
  stop(reason: 'lease lost' | 'run closed'): void {
    for (const name of NAMES) this.#kinds[name].stop(reason);
  }

  settle(): boolean {
    let any = false;
    for (const kind of this.#inOrder) if (kind.settle()) any = true;
    return any;
  }
  take(): readonly Intake[] {
    return this.#inOrder.map((kind) => kind.take());
  }
  /** The kind of work that says what a message means; `null` where the message itself is an event. */
  receiverOf({ kind }: InboxMessage): WorkKind | null {
    const receiver = RECEIVER_OF[kind];
    return receiver === null ? null : this.#kinds[receiver];
  }

  /** When the run wants to be taken up, if nothing happens before. */
  nextMoment(): Instant | null {
    let next: Instant | null = null;
    for (const kind of this.#inOrder) {
      const moment = kind.nextMoment();
      if (moment !== null && (next === null || moment < next)) next = moment;
    }
    return next;
  }
}
