import type {
  Fold,
  FoldOptions,
  HistoryEntry,
  HistoryEvent,
  RunProgress,
  WorkflowDefinition,
} from '../../lib/core/index.js';
import { isEvent, RunProgress as Progress } from '../../lib/core/index.js';
import {
  accepted,
  cancel,
  completed,
  failed,
  fired,
  newFold,
  refused,
  scheduler,
  signal,
  started,
  stopped,
} from './fold-kit.js';
import { Chance } from './random.js';

/*
 * A world for random programs: what happens next depends on the seed and on how many events were consumed, never on
 * how the run was taken there. So a run that crashes and is evicted sees the same world as one that does not, and
 * has to write the same history.
 */
export class RandomWorld {
  readonly seed: number;
  /** Set before each event: what side effects read depends on it. */
  #step = 0;
  #drawn = 0;

  constructor(seed: number) {
    this.seed = seed;
  }

  /** What a side effect finds outside. */
  readonly outside = (): number =>
    Math.floor(new Chance(this.seed * 7919 + this.#step * 31 + this.#drawn++).next() * 1e6);

  enterStep(step: number): void {
    this.#step = step;
    this.#drawn = 0;
  }

  /** The event that comes next; `null` when nothing can come any more. */
  nextEvent(step: number, progress: RunProgress, clock: number, cancelled: boolean): HistoryEvent | null {
    if (step === 0) return started({ seed: this.seed }, clock);
    const chance = new Chance(this.seed * 100_003 + step * 17 + 5);
    const at = clock + chance.below(3);
    const candidates = this.#ends(step, progress, at);
    const [timer] = progress.dueTimers(Number.MAX_SAFE_INTEGER);
    if (timer) candidates.push(fired(timer.started.id, Math.max(at, timer.started.firesAt)));
    if (step < 40 && chance.happens(0.5)) {
      const name = chance.pick(['s0', 's0', 's1', 'w0', 'w1']);
      const sent = signal(name, 1 + chance.below(2), chance.happens(0.1), at);
      candidates.push(this.#checkedBefore(step, name, sent));
    }
    candidates.push(...this.#verdicts(step, progress, at));
    if (!cancelled && chance.happens(0.05)) candidates.push(cancel('asked', at));
    return candidates.length === 0 ? null : chance.pick(candidates);
  }

  /** Some signals with a handler are updates, which do the same and answer, where the run takes one. */
  asUpdate(fold: Fold, event: HistoryEvent, step: number): HistoryEvent {
    if (event.type !== 'signal_received' || !event.name.startsWith('s')) return event;
    if (new Chance(this.seed * 61 + step * 13).next() > 0.3) return event;
    const name = event.name.replace('s', 'u');
    if (fold.validate(name, event.payload).type !== 'accepted') return event;
    const { at, payload, arrivedAt, hold } = event;
    return { type: 'update_accepted', at, name, updateId: `update ${step}`, payload, arrivedAt, hold };
  }

  /** Some senders know the schema; and what a handler's schema refuses is never received (F34). */
  #checkedBefore(step: number, name: string, sent: HistoryEvent): HistoryEvent {
    const luck = new Chance(this.seed * 53 + step * 11).next();
    if (name === 'w0') return luck < 0.3 ? ({ ...sent, checked: true } as HistoryEvent) : sent;
    return name !== 'w1' && luck < 0.1 ? refused(name, null, sent.at, 'hold' in sent && sent.hold) : sent;
  }

  /** What schemas say of the signals that are waited for under one. Three times: who holds a run asks them at once. */
  #verdicts(step: number, progress: RunProgress, at: number): HistoryEvent[] {
    return [...progress.requestedChecks].flatMap((number) => {
      const luck = new Chance(this.seed * 97 + number * 7 + step).next();
      const verdict = luck < 0.4 ? refused('w0', number, at) : accepted('w0', number, step % 5, at);
      return [verdict, verdict, verdict];
    });
  }

  /** Twice each: activities end more often than other things happen. */
  #ends(step: number, progress: RunProgress, at: number): HistoryEvent[] {
    const ends: HistoryEvent[] = [];
    for (const work of progress.inFlight.values()) {
      if (work.type !== 'activity') continue;
      const { id, undoes } = work.scheduled;
      const luck = new Chance(this.seed * 31 + id * 131 + step).next();
      const end =
        work.cancelRequested && luck > 0.5
          ? stopped(id, at)
          : luck < (undoes === null ? 0.07 : 0.1)
            ? failed(id, new Error(`f${id}`), 1, at)
            : completed(id, (id * 37 + this.seed) % 101, at);
      ends.push(end, end);
    }
    return ends;
  }
}

export type Disturbance = 'none' | 'crash before the commit' | 'crash after the commit';

export interface LifeOptions {
  /** How many events a turn takes. Defaults to 1. */
  readonly batch?: () => number;
  readonly disturb?: (step: number) => Disturbance;
  /** Called after each commit with the fold that made it; may throw. */
  readonly afterTurn?: (fold: Fold, history: readonly HistoryEntry[]) => Promise<void>;
  readonly fold?: Partial<FoldOptions>;
  /** Other code that goes on with the run after so many events. */
  readonly deploy?: { readonly after: number; readonly definition: WorkflowDefinition };
  /** Events at most. Defaults to 70. */
  readonly events?: number;
}

export interface Life {
  readonly history: HistoryEntry[];
  readonly fold: Fold;
}

/** Folds a run from its start until nothing can happen any more, as an engine with a journal would. */
export async function live(
  first: WorkflowDefinition,
  world: RandomWorld,
  options: LifeOptions = {},
): Promise<Life> {
  const { batch = () => 1, disturb = () => 'none', events = 70, deploy } = options;
  let definition = first;
  const history: HistoryEntry[] = [];
  let fold = newFold(definition, options.fold);
  let step = 0;
  for (;;) {
    const taken = await takeTurn(fold, world, history, step, Math.min(batch(), events - step));
    if (fold.fault !== null || taken === 0) break;
    const what = disturb(step);
    if (what !== 'crash before the commit') {
      history.push(...fold.takeEmitted());
      step += taken;
      await options.afterTurn?.(fold, history);
    }
    const isDeployed = deploy !== undefined && definition === first && step >= deploy.after;
    if (isDeployed) definition = deploy.definition;
    if (what !== 'none' || isDeployed) fold = await reload(definition, history, options.fold);
    if (fold.fault !== null || fold.progress.closed !== null || step >= events) break;
  }
  return { history, fold };
}

async function reload(
  definition: WorkflowDefinition,
  history: readonly HistoryEntry[],
  options: Partial<FoldOptions> | undefined,
): Promise<Fold> {
  const fold = newFold(definition, options);
  fold.replay(history);
  await scheduler.pump(fold);
  return fold;
}

/** Feeds up to `limit` events; tells how many there were. */
async function takeTurn(
  fold: Fold,
  world: RandomWorld,
  history: readonly HistoryEntry[],
  step: number,
  limit: number,
): Promise<number> {
  const before = historyFacts(history);
  let { clock, cancelled } = before;
  for (let done = 0; done < limit; done++) {
    if (fold.progress.closed !== null) return done;
    const event = world.nextEvent(step + done, fold.progress, clock, cancelled);
    if (!event) return done;
    clock = Math.max(clock, event.at);
    cancelled ||= event.type === 'cancel_requested';
    world.enterStep(step + done);
    maybeNote(fold, world.seed, step + done, event);
    fold.feed(world.asUpdate(fold, event, step + done));
    await scheduler.pump(fold);
    if (fold.fault !== null) return done + 1;
  }
  return limit;
}

/** Now and then an attempt failed before the one that ends. */
function maybeNote(fold: Fold, seed: number, step: number, event: HistoryEvent): void {
  if (event.type !== 'activity_completed' || !new Chance(seed * 77 + step).happens(0.08)) return;
  const { at, id } = event;
  fold.note({
    type: 'activity_attempt',
    at,
    id,
    attempt: 2,
    startsAt: at,
    parked: false,
    failure: null,
    heartbeat: null,
  });
}

function historyFacts(history: readonly HistoryEntry[]): { clock: number; cancelled: boolean } {
  return {
    clock: history.reduce((latest, entry) => Math.max(latest, entry.at), 0),
    cancelled: history.some((entry) => entry.type === 'cancel_requested'),
  };
}

/** Goes on from the first `cut` entries of a history with the events and notes of the rest. */
export async function continueFrom(
  definition: WorkflowDefinition,
  world: RandomWorld,
  history: readonly HistoryEntry[],
  cut: number,
  options: Partial<FoldOptions> = {},
): Promise<Life> {
  const fold = newFold(definition, options);
  fold.replay(history.slice(0, cut));
  await scheduler.pump(fold);
  const rest: HistoryEntry[] = [];
  let step = history.slice(0, cut).filter(isEvent).length;
  for (const entry of history.slice(cut)) {
    if (entry.type === 'activity_attempt') fold.note(entry);
    if (!isEvent(entry)) continue;
    world.enterStep(step++);
    fold.feed(entry);
    await scheduler.pump(fold);
    rest.push(...fold.takeEmitted());
  }
  return { history: rest, fold };
}

/** What is known from a history without code. */
export function progressOf(history: readonly HistoryEntry[]): RunProgress {
  const progress = new Progress();
  for (const entry of history) progress.apply(entry);
  return progress;
}
