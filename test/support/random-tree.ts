import type {
  CarriedSignal,
  ChildCancelRequested,
  ChildStarted,
  FoldOptions,
  HistoryEntry,
  HistoryEvent,
  Lineage,
  MessageSent,
  RunContinued,
  TerminalEntry,
  WorkflowDefinition,
} from '../../lib/core/index.js';
import { isEvent, SEMANTICS_VERSION } from '../../lib/core/index.js';
import type { Fold } from '../../lib/core/index.js';
import { childAccepted, childRefused, childTerminated } from './children-kit.js';
import { cancel, codec, scheduler } from './fold-kit.js';
import { compile, randomProgram } from './random-program.js';
import { Facts, forceEnd, RandomWorld, reload } from './random-world.js';
import type { Disturbance } from './random-world.js';
import { Chance } from './random.js';

/*
 * Trees of random programs: each run has a program of its own, up to two layers below the root. This driver is their journal: it
 * starts children, carries messages, ends and cancellations to and fro, and lets a run continue as another one. What happens
 * next follows from the seed and from how many steps there were, so that a tree whose holders die writes the same histories.
 */

export interface TreeRun {
  readonly workflowId: string;
  readonly runId: string;
  /** Of the first run of its workflow id, by which its parent knows it. */
  readonly firstRunId: string;
  readonly parent: ParentLink | null;
  readonly lineage: Lineage | null;
  readonly layer: number;
  readonly definition: WorkflowDefinition;
  readonly world: RandomWorld;
  readonly options: Partial<FoldOptions>;
  readonly history: HistoryEntry[];
  readonly inbox: Mail[];
  fold: Fold;
  /** What it has handed over to the run that it continued as. */
  carried: readonly CarriedSignal[];
}
interface ParentLink {
  readonly run: { readonly workflowId: string; readonly runId: string };
  readonly command: number;
}
interface Mail {
  readonly event: HistoryEvent;
  /** Only for that run of the workflow id. */
  readonly forRun: string | null;
}

export interface TreeOptions {
  readonly disturb?: (step: number) => Disturbance;
  /** Called after each turn; may throw. */
  readonly afterTurn?: (run: TreeRun) => Promise<void>;
  /** Defaults to 160. */
  readonly steps?: number;
}

/** Lives through a tree, until nothing can happen any more. */
export async function growTree(seed: number, options: TreeOptions = {}): Promise<readonly TreeRun[]> {
  const tree = new Tree(seed, options);
  await tree.plant();
  for (let step = 0; step < (options.steps ?? 160); step++) if (!(await tree.step(step))) break;
  return tree.runs;
}

type Outward = ChildStarted | ChildCancelRequested | MessageSent;

class Tree {
  /** In the order in which they began. */
  readonly runs: TreeRun[] = [];
  readonly #open = new Map<string, TreeRun>();
  readonly #seed: number;
  readonly #options: TreeOptions;
  #clock = 0;

  constructor(seed: number, options: TreeOptions) {
    this.#seed = seed;
    this.#options = options;
  }

  async plant(): Promise<void> {
    const root = { workflowId: 'layer 2', runId: 'root', firstRunId: 'root' };
    await this.#begin({ ...root, parent: null, lineage: null, layer: 0 }, '{"left":1}');
  }

  /** One event of one run. `false`: nothing can happen any more. */
  async step(step: number): Promise<boolean> {
    const chance = new Chance(this.#seed * 1009 + step * 7);
    const open = [...this.#open.values()].filter(({ fold }) => fold.fault === null);
    const first = chance.below(Math.max(open.length, 1));
    const [readsFirst, forces] = [chance.happens(0.6), chance.happens(0.015)];
    for (const run of [...open.slice(first), ...open.slice(0, first)])
      if (await this.#takeTurn(run, step, readsFirst, forces)) return true;
    return false;
  }

  // --------------------------------------------------------------------------------------------- turns

  async #takeTurn(run: TreeRun, step: number, readsFirst: boolean, forces: boolean): Promise<boolean> {
    if (forces && mayBeForced(run)) return this.#force(run);
    const event = this.#nextEvent(run, readsFirst);
    if (event === null) return false;
    let what = this.#options.disturb?.(step) ?? 'none';
    for (; what === 'crash before the commit'; what = this.#options.disturb!(step)) {
      await this.#feed(run, [event]);
      run.fold = await reload(run.definition, run.history, run.options);
    }
    await this.#feed(run, [event]);
    await this.#takeAgain(run, event);
    if (run.fold.fault !== null) return true;
    await this.#commit(run);
    if (what === 'crash after the commit') await this.#lose(run, step);
    return true;
  }

  /** Whoever held it is gone; and whoever held another one. */
  async #lose(run: TreeRun, step: number): Promise<void> {
    const other = new Chance(this.#seed * 17 + step).pick(this.runs);
    for (const lost of new Set([run, other]))
      if (lost.fold.fault === null) lost.fold = await reload(lost.definition, lost.history, lost.options);
  }

  /** What came by mail, in order, but for a cancellation of a run that has not begun (F15); or what happens to it alone. */
  #nextEvent(run: TreeRun, readsFirst: boolean): HistoryEvent | null {
    const at = this.#clock;
    const isNew = run.history.length === 0;
    const cancelled = isNew ? run.inbox.findIndex(({ event }) => event.type === 'cancel_requested') : -1;
    const mail = (): HistoryEvent | null => {
      const [next] = run.inbox.splice(Math.max(cancelled, 0), 1);
      return next ? { ...next.event, at } : null;
    };
    const facts = new Facts(run.history);
    facts.clock = at;
    const alone = (): HistoryEvent | null =>
      run.history.some(({ type }) => type === 'run_started')
        ? run.world.nextEvent(stepOf(run), run.fold, facts)
        : null;
    return readsFirst || isNew ? (mail() ?? alone()) : (alone() ?? mail());
  }

  async #feed(run: TreeRun, events: readonly HistoryEvent[]): Promise<void> {
    for (const [i, event] of events.entries()) {
      run.world.enterStep(stepOf(run) + i);
      const asked =
        event.type === 'signal_received' ? run.world.asUpdate(run.fold, event, stepOf(run) + i) : event;
      run.fold.feed(asked);
      await scheduler.pump(run.fold);
    }
  }

  /** F17: a turn that decides is taken again with the signals that nobody has read, before the event that decided. */
  async #takeAgain(run: TreeRun, decider: HistoryEvent): Promise<void> {
    const { decided, fault } = run.fold;
    const unread = run.inbox.filter(({ event }) => event.type === 'signal_received');
    if (unread.length === 0 || fault !== null || decided === null || decided.type === 'continued') return;
    if (run.history.some(({ type }) => type === 'rollback_started')) return;
    const left = run.inbox.filter((mail) => !unread.includes(mail));
    run.inbox.splice(0, run.inbox.length, ...left);
    const fresh = unread.map(({ event }) => ({ ...event, at: decider.at }));
    const block = decider.type === 'signal_received' ? [decider, ...fresh] : fresh;
    const held = block.map((event, i) => ({ ...event, hold: i < block.length - 1 }) as HistoryEvent);
    run.fold = await reload(run.definition, run.history, run.options);
    await this.#feed(run, decider.type === 'signal_received' ? held : [...held, decider]);
  }

  /** Its code cannot go on when its time is over (F22). */
  async #force(run: TreeRun): Promise<boolean> {
    const { definition, history } = run;
    const entries = await forceEnd(definition, history, run.options);
    Object.assign(run.options, { withoutCode: true });
    run.fold = await reload(definition, [...history, ...entries], run.options);
    await this.#write(run, entries, entries.filter(isOutward));
    return true;
  }

  // ------------------------------------------------------------------------------------------- commits

  async #commit(run: TreeRun): Promise<void> {
    const entries = run.fold.takeEmitted();
    await this.#write(run, entries, (run.fold.takeOutward() ?? []).filter(isOutward));
  }

  async #write(run: TreeRun, entries: readonly HistoryEntry[], outward: readonly Outward[]): Promise<void> {
    run.history.push(...entries);
    this.#clock = entries.reduce((latest, { at }) => Math.max(latest, at), this.#clock);
    await this.#options.afterTurn?.(run);
    const { closed } = run.fold.progress;
    for (const command of outward) await this.#carryOut(run, command, closed !== null);
    if (closed !== null) await this.#close(run, closed);
  }

  async #carryOut(run: TreeRun, command: Outward, isClosed: boolean): Promise<void> {
    switch (command.type) {
      case 'child_started':
        return this.#startChild(run, command, isClosed);
      case 'child_cancel_requested': {
        const work = run.history.find((entry) => entry.type === 'child_started' && entry.id === command.of);
        if (work?.type === 'child_started') await this.#stop(work.runId, command.mode);
        return;
      }
      case 'message_sent': {
        const child = run.history.find(
          (entry) => entry.type === 'child_started' && entry.id === command.child,
        );
        const target =
          child?.type === 'child_started' ? this.#openRun(child.runId) : this.#open.get(command.workflowId);
        const { id } = command;
        if (target === undefined || target.fold.progress.rollback !== null) {
          const why = this.runs.some(({ workflowId }) => workflowId === command.workflowId)
            ? 'not running'
            : 'not found';
          return post(run, { type: 'message_not_delivered', at: 0, id, why }, run.runId);
        }
        post(target, messageOf(command));
        return post(run, { type: 'message_delivered', at: 0, id }, run.runId);
      }
      default:
        return command satisfies never;
    }
  }

  async #startChild(parent: TreeRun, started: ChildStarted, isClosed: boolean): Promise<void> {
    const { workflowId, runId, id, confirms, args } = started;
    if (this.#open.has(workflowId)) {
      if (!isClosed) post(parent, childRefused(id), parent.runId);
      return;
    }
    if (confirms && !isClosed) post(parent, childAccepted(id), parent.runId);
    const link = { workflowId: parent.workflowId, runId: parent.runId };
    const lineage = {
      parent: link,
      root: parent.lineage?.root ?? link,
      depth: (parent.lineage?.depth ?? 0) + 1,
    };
    const run = { workflowId, runId, firstRunId: runId, lineage, layer: parent.layer + 1 };
    await this.#begin({ ...run, parent: { run: link, command: id } }, args);
  }

  async #begin(
    run: Pick<TreeRun, 'workflowId' | 'runId' | 'firstRunId' | 'parent' | 'lineage' | 'layer'>,
    input: string,
    more: object = {},
    mail: Mail[] = [],
  ): Promise<void> {
    const { workflowId, runId, firstRunId, lineage, layer } = run;
    const world = new RandomWorld(seedOf(`${this.#seed} ${runId}`), false);
    // A run that continues as another one has the same code.
    const definition = compile(
      randomProgram(seedOf(`${this.#seed} ${firstRunId}`), { depth: layer, children: 0.25 }),
      world.outside,
    );
    const chooseSuccessor = () => ({ runId: `${runId}'`, version: 1 });
    const options = { run: { workflowId, runId, namespace: 'default' }, chooseSuccessor };
    const event = {
      type: 'run_started',
      at: 0,
      input,
      seed: runId,
      semanticsVersion: SEMANTICS_VERSION,
      ...(lineage && { lineage }),
      ...more,
    } as const;
    const fold = await reload(definition, [], options);
    const inbox = [{ event, forRun: runId }, ...mail];
    const begun = { ...run, definition, world, options, history: [], inbox, fold, carried: [] };
    this.runs.push(begun);
    this.#open.set(workflowId, begun);
  }

  // ---------------------------------------------------------------------------------------------- ends

  async #close(run: TreeRun, end: TerminalEntry): Promise<void> {
    this.#open.delete(run.workflowId);
    if (end.type === 'run_continued') await this.#continue(run, end);
    else this.#tellParent(run, end);
    for (const work of run.fold.progress.inFlight.values()) {
      if (work.type !== 'child' || work.started.parentClose === 'abandon') continue;
      await this.#stop(work.started.runId, work.started.parentClose);
    }
  }

  async #continue(run: TreeRun, { runId, input }: RunContinued): Promise<void> {
    const { workflowId, firstRunId, parent, lineage, layer, fold } = run;
    run.carried = fold.untakenSignals;
    const more = { continuedFrom: run.runId, ...(run.carried.length > 0 && { signals: run.carried }) };
    const late = fold.lateCancel === null ? [] : [{ event: cancel(fold.lateCancel.reason), forRun: null }];
    const mail = [...late, ...run.inbox.filter(({ forRun }) => forRun === null)];
    await this.#begin({ workflowId, runId, firstRunId, parent, lineage, layer }, input, more, mail);
  }

  #tellParent({ parent }: TreeRun, end: TerminalEntry): void {
    const above = parent && this.#open.get(parent.run.workflowId);
    const event = parent && endOf(parent.command, end);
    if (above && event && above.runId === parent.run.runId) post(above, event, above.runId);
  }

  async #stop(firstRunId: string, mode: 'cancel' | 'terminate'): Promise<void> {
    const run = this.#openRun(firstRunId);
    if (run === undefined) return;
    if (mode === 'cancel') return post(run, cancel('its parent asks'));
    const end = { type: 'run_terminated', at: this.#clock, reason: 'its parent asks' } as const;
    run.history.push(end);
    run.fold = await reload(run.definition, run.history, run.options);
    await this.#close(run, end);
  }

  #openRun(firstRunId: string): TreeRun | undefined {
    return [...this.#open.values()].find((run) => run.firstRunId === firstRunId);
  }
}

const isOutward = (entry: HistoryEntry): entry is Outward =>
  entry.type === 'child_started' || entry.type === 'child_cancel_requested' || entry.type === 'message_sent';

const post = (run: TreeRun, event: HistoryEvent, forRun: string | null = null): void => {
  if (forRun === null || forRun === run.runId) run.inbox.push({ event, forRun });
};

const stepOf = ({ history }: TreeRun): number => history.filter(isEvent).length;

const mayBeForced = ({ fold, history }: TreeRun): boolean => fold.awaitsDeadline && history.length > 0;

const messageOf = ({ name, args }: MessageSent): HistoryEvent =>
  name === null
    ? cancel('asked by another run')
    : { type: 'signal_received', at: 0, name, payload: args, arrivedAt: 0, hold: false };

/** What its parent hears of an end. */
function endOf(id: number, end: TerminalEntry): HistoryEvent | null {
  switch (end.type) {
    case 'run_completed':
      return { type: 'child_completed', at: 0, id, result: end.result };
    case 'run_failed':
    case 'run_timed_out':
      return { type: 'child_failed', at: 0, id, failure: end.failure };
    case 'run_cancelled':
      return { type: 'child_cancelled', at: 0, id, failure: end.failure };
    case 'run_terminated':
      return childTerminated(id, end.reason);
    case 'run_continued':
      return null;
    default:
      return end satisfies never;
  }
}

/** A number that follows from a text. */
function seedOf(text: string): number {
  let seed = 7;
  for (const letter of codec.encode(text)) seed = (Math.imul(seed, 31) + letter.charCodeAt(0)) | 0;
  return Math.abs(seed);
}
