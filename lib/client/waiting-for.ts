import { RunProgress } from '../core/index.js';
import type { CommandId, HistoryEntry, Instant, WorkInFlight } from '../core/index.js';
import type { RunDescription } from '../journal/index.js';

/** Something that an open run waits for. Times are ms since the epoch. */
export interface WaitingFor {
  /**
   * - `start`: it has not begun, and does not before `until`; or a worker is to go on with its rollback;
   * - `blocked`: its code cannot go on;
   * - `unserved`: no live worker has its workflow in its version;
   * - `activity`, `child`, `callback`, `timer`: what its code has begun;
   * - `signal`, `condition`: what its code waits for at most `until`;
   * - `message`: nothing of these. Only a signal, an update or a cancellation can make it go on.
   */
  readonly kind:
    | 'start'
    | 'blocked'
    | 'unserved'
    | 'activity'
    | 'child'
    | 'callback'
    | 'timer'
    | 'signal'
    | 'condition'
    | 'message';
  /** One sentence for people. */
  readonly text: string;
  /** Since when it waits for it. */
  readonly since: Instant;
  /** When that ends at the latest, or goes on; `null` where no time is known. */
  readonly until: Instant | null;
  /** The command in its history. */
  readonly id?: CommandId;
}

/** From its history alone: the code is not asked. */
export function waitingFor(
  run: RunDescription,
  history: readonly HistoryEntry[],
  served: boolean,
): readonly WaitingFor[] {
  const progress = new RunProgress();
  for (const entry of history) progress.apply(entry);
  // It is open: somebody has asked for its rollback again.
  const wasClosed = progress.closed !== null;
  progress.reopen();
  const obstacles = [...obstaclesOf(run, history.length === 0, served)];
  const work = [...progress.inFlight.values()].flatMap((one) => ofWork(one, progress) ?? []);
  if (obstacles.length > 0 || work.length > 0 || history.length === 0) return [...obstacles, ...work];
  const since = history.at(-1)!.at;
  if (wasClosed)
    return [{ kind: 'start', text: 'A worker is to go on with its rollback.', since, until: null }];
  return [{ kind: 'message', text: 'It waits for a signal, or another message.', since, until: null }];
}

function* obstaclesOf(run: RunDescription, isNew: boolean, served: boolean): Iterable<WaitingFor> {
  const { blocked, notBefore, startedAt, workflow, version } = run;
  if (blocked !== null) {
    const { reason: text, since } = blocked;
    yield { kind: 'blocked', text, since, until: notBefore };
  } else if (isNew && notBefore !== null) {
    const text = `It begins at ${new Date(notBefore).toISOString()}.`;
    yield { kind: 'start', text, since: startedAt, until: notBefore };
  }
  if (!served) {
    const text = `No live worker has "${workflow}" version ${version}: start one with its class among the providers.`;
    yield { kind: 'unserved', text, since: startedAt, until: null };
  }
}

function ofWork(work: WorkInFlight, { inFlight }: RunProgress): WaitingFor | null {
  switch (work.type) {
    case 'activity': {
      const { scheduled, attempt, startsAt, parked } = work;
      const { id, name, at: since } = scheduled;
      const text = `It waits for the activity "${name}", attempt ${attempt}.`;
      return { kind: 'activity', text, since, until: parked ? startsAt : null, id };
    }
    case 'child': {
      const { id, name, workflowId, at: since } = work.started;
      const text = `It waits for its child "${workflowId}", a "${name}".`;
      return { kind: 'child', text, since, until: null, id };
    }
    case 'message': {
      const { id, workflowId, at: since } = work.sent;
      const text = `It waits for a message to reach the workflow "${workflowId}".`;
      return { kind: 'message', text, since, until: null, id };
    }
    case 'callback': {
      const { id, name, at: since } = work.opened;
      // The call that has opened it has started its timer, too.
      const timer = inFlight.get(id + 1);
      const until = timer?.type === 'timer' && timer.started.name === CALLBACK ? timer.started.firesAt : null;
      const named = name === null ? 'a callback' : `the callback "${name}"`;
      const text = `It waits for ${named}${until === null ? '' : `, until ${new Date(until).toISOString()}`}.`;
      return { kind: 'callback', text, since, until, id };
    }
    case 'timer':
      return ofTimer(work.started);
    default:
      return work satisfies never;
  }
}

/** As the timer of a callback is called. */
const CALLBACK = 'callback';

/** A timer tells by its name what waits for it. */
function ofTimer(started: Extract<WorkInFlight, { type: 'timer' }>['started']): WaitingFor | null {
  const { id, name, at: since, firesAt: until } = started;
  // A limit around something else, which is waited for.
  if (name === 'timeout' || name === CALLBACK) return null;
  const end = new Date(until).toISOString();
  if (name === 'sleep') return { kind: 'timer', text: `It sleeps until ${end}.`, since, until, id };
  if (name.startsWith('signal:')) {
    const text = `It waits for the signal "${name.slice('signal:'.length)}", until ${end}.`;
    return { kind: 'signal', text, since, until, id };
  }
  return { kind: 'condition', text: `It waits for a condition of its code, until ${end}.`, since, until, id };
}
