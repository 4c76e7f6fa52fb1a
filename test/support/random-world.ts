import type {
  ChooseSuccessor,
  CommandId,
  Fold,
  FoldOptions,
  HistoryEntry,
  HistoryEvent,
  HistoryNote,
  RunProgress,
  WorkflowDefinition,
} from '../../lib/core/index.js';
import { isEvent, isTerminal, RunProgress as Progress } from '../../lib/core/index.js';
import {
  accepted,
  cancel,
  completed,
  failed,
  fired,
  newFold,
  refused,
  passed,
  scheduler,
  signal,
  started,
  stopped,
} from './fold-kit.js';
import {
  childAccepted,
  childCancelled,
  childCompleted,
  childFailed,
  childRefused,
  childTerminated,
} from './children-kit.js';
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

  readonly #isAlone: boolean;

  /** @param isAlone it answers for other runs, too. Defaults to `true` */
  constructor(seed: number, isAlone = true) {
    this.seed = seed;
    this.#isAlone = isAlone;
  }

  /** What a side effect finds outside. */
  readonly outside = (): number =>
    Math.floor(new Chance(this.seed * 7919 + this.#step * 31 + this.#drawn++).next() * 1e6);

  enterStep(step: number): void {
    this.#step = step;
    this.#drawn = 0;
  }

  /** The event that comes next; `null` when nothing can come any more. */
  nextEvent(step: number, { progress, awaitsDeadline }: Fold, facts: Facts): HistoryEvent | null {
    const { clock, cancelled, timedOut, accepted: known } = facts;
    if (step === 0) return this.#start(clock);
    const chance = new Chance(this.seed * 100_003 + step * 17 + 5);
    const at = clock + chance.below(3);
    const candidates = [...this.#ends(step, progress, at), ...this.#answers(step, progress, known, at)];
    const [timer] = progress.dueTimers(Number.MAX_SAFE_INTEGER);
    if (timer) candidates.push(fired(timer.started.id, Math.max(at, timer.started.firesAt)));
    if (step < 40 && chance.happens(0.5)) {
      const name = chance.pick(['s0', 's0', 's1', 'w0', 'w1']);
      const sent = signal(name, 1 + chance.below(2), chance.happens(0.1), at);
      candidates.push(this.#checkedBefore(step, name, sent));
    }
    candidates.push(...this.#verdicts(step, progress, at));
    // Who has set a limit looks after it.
    if (!cancelled && chance.happens(timedOut ? 0.5 : 0.05)) candidates.push(cancel('asked', at));
    const timesOut = new Chance(this.seed * 41 + step * 19).next();
    if (awaitsDeadline && timesOut < 0.03) candidates.push(passed(timesOut < 0.015 ? 'run' : 'chain', at));
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

  /** Some runs continue another one, which hands over what nobody took (F17), and some begin with attributes. */
  #start(at: number): HistoryEvent {
    const chance = new Chance(this.seed * 59 + 1);
    const start = started({ seed: this.seed, left: 1 }, at);
    const carried = ['w0', 's0', 'w1', 'w0', 's1'].filter(() => chance.happens(0.5));
    const signals = carried.map((name, i) => ({
      name,
      payload: String(i),
      ...(name === 'w0' && i % 2 === 0 && { checked: true }),
    }));
    return {
      ...start,
      ...(chance.happens(0.3) && { attributes: '{"a":1,"c":[1]}' }),
      ...(chance.happens(0.3) && { continuedFrom: 'the run before', signals }),
    } as HistoryEvent;
  }

  /** What comes of children, and of messages to other runs. */
  #answers(step: number, progress: RunProgress, known: ReadonlySet<CommandId>, at: number): HistoryEvent[] {
    if (!this.#isAlone) return [];
    return [...progress.inFlight.values()].flatMap((work) => {
      if (work.type === 'message') return [this.#delivered(step, work.sent.id, at)];
      if (work.type !== 'child') return [];
      const { started: child, cancelRequested } = work;
      const { id } = child;
      const luck = new Chance(this.seed * 43 + id * 137 + step).next();
      const mayNotStart = !child.confirms || !known.has(id);
      if (mayNotStart && luck < 0.06) return [childRefused(id, at)];
      if (child.confirms && !known.has(id)) return [childAccepted(id, at)];
      if (luck < (cancelRequested ? 0.5 : 0.07)) return [childCancelled(id, at)];
      if (luck > 0.95) return [childTerminated(id, luck > 0.97 ? 'by hand' : null, at)];
      const end =
        luck < 0.6
          ? childCompleted(id, (id * 41 + this.seed) % 97, at)
          : childFailed(id, new Error(`c${id}`), at);
      return [end];
    });
  }

  #delivered(step: number, id: CommandId, at: number): HistoryEvent {
    const luck = new Chance(this.seed * 47 + id * 139 + step).next();
    if (luck < 0.8) return { type: 'message_delivered', at, id };
    return { type: 'message_not_delivered', at, id, why: luck < 0.9 ? 'not found' : 'not running' };
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
  /** What there is already. Defaults to nothing. */
  readonly from?: readonly HistoryEntry[];
}

export interface Life {
  readonly history: HistoryEntry[];
  readonly fold: Fold;
  /** What lists were told (F4): attributes, `null` for one that was removed; and the details. */
  readonly shown: Readonly<Record<string, unknown>>;
}

/** Folds a run from its start until nothing can happen any more, as an engine with a journal would. */
export async function live(
  first: WorkflowDefinition,
  world: RandomWorld,
  options: LifeOptions = {},
): Promise<Life> {
  const { batch = () => 1, disturb = () => 'none', events = 70, deploy } = options;
  let definition = first;
  const history = [...(options.from ?? [])];
  let fold = await reload(definition, history, options.fold);
  let step = history.filter(isEvent).length;
  let shown: Record<string, unknown> = {};
  // Nobody takes a run up that has ended: a fold without its code would be open again, for a rollback that is asked for anew (F22).
  while (!isOver(history)) {
    const taken = await takeTurn(fold, world, history, step, Math.min(batch(), events - step));
    if (fold.fault !== null || taken === 0) break;
    const what = disturb(step);
    if (what !== 'crash before the commit') {
      history.push(...fold.takeEmitted());
      const { attributes, ...details } = fold.takeShown() ?? {};
      shown = { ...shown, ...attributes, ...details };
      step += taken;
      await options.afterTurn?.(fold, history);
    }
    const isDeployed = deploy !== undefined && definition === first && step >= deploy.after;
    if (isDeployed) definition = deploy.definition;
    if (what !== 'none' || isDeployed) fold = await reload(definition, history, options.fold);
    if (fold.fault !== null || step >= events) break;
  }
  return { history, fold, shown };
}

const isOver = (history: readonly HistoryEntry[]): boolean => history.some((entry) => isTerminal(entry));

/** The time limit of a run has passed whose code cannot go on: what is recorded of that without it (F22). */
export async function forceEnd(
  definition: WorkflowDefinition,
  history: readonly HistoryEntry[],
  options: Partial<FoldOptions> = {},
): Promise<HistoryEntry[]> {
  const fold = foldOf(definition, { ...options, withoutCode: true });
  fold.replay(history);
  fold.force(passed('run', new Facts(history).clock), new Error('drift'));
  await scheduler.pump(fold);
  return fold.takeEmitted();
}

/** Who it continues as follows from the run, so that a turn that is taken again comes to the same. */
const chooseSuccessor: ChooseSuccessor = (workflow, version) => ({
  runId: `next of ${workflow}`,
  version: version ?? 7,
});
const foldOf = (definition: WorkflowDefinition, options: Partial<FoldOptions> = {}): Fold =>
  newFold(definition, { chooseSuccessor, ...options });

export async function reload(
  definition: WorkflowDefinition,
  history: readonly HistoryEntry[],
  options: Partial<FoldOptions> | undefined,
): Promise<Fold> {
  const fold = foldOf(definition, options);
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
  const facts = new Facts(history);
  for (let done = 0; done < limit; done++) {
    if (fold.progress.closed !== null) return done;
    const event = world.nextEvent(step + done, fold, facts);
    if (!event) return done;
    facts.add(event);
    world.enterStep(step + done);
    maybeNote(fold, world.seed, step + done, event);
    fold.feed(world.asUpdate(fold, event, step + done));
    await scheduler.pump(fold);
    if (maybeLetGo(fold, world.seed, step + done, event)) await scheduler.pump(fold);
    if (fold.fault !== null) return done + 1;
  }
  return limit;
}

/** Now and then an attempt failed before the one that ends. */
function maybeNote(fold: Fold, seed: number, step: number, event: HistoryEvent): void {
  if (event.type !== 'activity_completed' || !new Chance(seed * 77 + step).happens(0.08)) return;
  fold.note(attempt(event.id, event.at));
}

const attempt = (id: CommandId, at: number, interrupted = false): HistoryNote => ({
  type: 'activity_attempt',
  at,
  id,
  attempt: 2,
  startsAt: at,
  parked: false,
  failure: null,
  heartbeat: null,
  ...(interrupted && { interrupted }),
});

/** What was held for another message goes on where that is refused (F17), now and then after a note. */
function maybeLetGo(fold: Fold, seed: number, step: number, event: HistoryEvent): boolean {
  const chance = new Chance(seed * 83 + step * 3);
  if (!('hold' in event) || !event.hold || !chance.happens(0.5)) return false;
  const working = [...fold.progress.inFlight.values()].find(({ type }) => type === 'activity');
  if (working?.type === 'activity' && chance.happens(0.7))
    fold.note(attempt(working.scheduled.id, event.at, true));
  fold.letGo();
  return true;
}

/** What the world knows of a history. */
export class Facts {
  clock = 0;
  cancelled = false;
  timedOut = false;
  /** Children that are known to have started. */
  readonly accepted = new Set<CommandId>();

  constructor(history: readonly HistoryEntry[]) {
    for (const entry of history) this.add(entry);
  }

  add(entry: HistoryEntry): void {
    this.clock = Math.max(this.clock, entry.at);
    if (entry.type === 'cancel_requested') this.cancelled = true;
    if (entry.type === 'deadline_passed') this.timedOut = true;
    if (entry.type === 'child_accepted') this.accepted.add(entry.id);
  }
}

/** Goes on from the first `cut` entries of a history with the events and notes of the rest. */
export async function continueFrom(
  definition: WorkflowDefinition,
  world: RandomWorld,
  history: readonly HistoryEntry[],
  cut: number,
  options: Partial<FoldOptions> = {},
): Promise<Life> {
  const fold = foldOf(definition, options);
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
  rest.push(...fold.takeEmitted());
  return { history: rest, fold, shown: {} };
}

/** What is known from a history without code. */
export function progressOf(history: readonly HistoryEntry[]): RunProgress {
  const progress = new Progress();
  for (const entry of history) progress.apply(entry);
  return progress;
}
