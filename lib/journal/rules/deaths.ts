import type { WorkerDeath } from '../port/index.js';
import { type GrowingDelay, delayOf } from './growing-delay.js';

// A run that kills its workers is found as one bad item in a batch is: by looking at fewer and fewer at a time.

/**
 * A turn that was lost with its worker counts as a failed one. Two are tried again at once, for whatever happened to the
 * worker; from the third on the run waits, by the number of its failed turns.
 */
export const LOST_TURN_DELAY: GrowingDelay = { from: 3, first: 1_000, longest: 300_000 };

/** A run is a suspect after so many workers died, one after the other, while they held it. It is claimed apart from all others. */
export const DEATHS_OF_A_SUSPECT = 3;
/** How long a suspect waits before it is taken up again, by the number of deaths. */
export const SUSPECT_DELAY: GrowingDelay = { from: DEATHS_OF_A_SUSPECT, first: 1_000, longest: 3_600_000 };
/**
 * Suspects that died together are taken up again in groups, each an eighth of them. So the one that kills its workers is alone
 * after a few deaths, however many died with it, and the others wait for a few groups at most: after all workers lost power at
 * once, three times in a row, every run goes on within seconds.
 */
export const GROUPS = 8;

/**
 * A run that was the only suspect of two workers that died, one after the other, is blocked. Once may be chance: where
 * processes are killed every few seconds for other reasons, some run is always the only suspect of one of them. Such a run has
 * at least this many deaths.
 */
export const DEATHS_OF_A_BLOCKED_RUN = DEATHS_OF_A_SUSPECT + 2;
/** How long it is blocked, by the number of deaths, unless another build comes. */
export const BLOCK_DELAY: GrowingDelay = {
  from: DEATHS_OF_A_BLOCKED_RUN,
  first: 600_000,
  longest: 6 * 3_600_000,
};
/**
 * If the workers that it killed were of more builds than this, builds do not tell deployments apart: by default every process
 * has a build of its own, and the process that replaces a dead one must not die of the same run at once.
 */
export const BUILDS_OF_DEPLOYMENTS = 2;

/** So many of the workers that died with a run are remembered by name. */
export const REMEMBERED_DEATHS = 5;

/** What is known of the workers that died while they held a run, since it last showed that it goes on. */
export interface DeathRecord {
  readonly deaths: number;
  /** The latest of those workers, the last one first. */
  readonly killed: readonly WorkerDeath[];
  /** How many suspects were on the last one; 0 of a run that is no suspect. */
  readonly crowd: number;
}

export const NO_DEATHS: DeathRecord = { deaths: 0, killed: [], crowd: 0 };

export const isSuspect = ({ deaths }: Pick<DeathRecord, 'deaths'>): boolean => deaths >= DEATHS_OF_A_SUSPECT;

/** Whether the next death makes, or leaves, it a suspect: such ones are counted as the crowd of a worker that died. */
export const isNearlySuspect = ({ deaths }: Pick<DeathRecord, 'deaths'>): boolean =>
  isSuspect({ deaths: deaths + 1 });

/** How many suspects of a crowd are taken up together. */
export const groupOf = ({ crowd }: Pick<DeathRecord, 'crowd'>): number => Math.ceil(crowd / GROUPS);

/** What one death more comes to. */
export interface CountedDeath extends DeathRecord {
  /** How long nobody takes the run up, in ms. */
  readonly delay: number;
  /** Why it is blocked from now on; `null` when it is not. */
  readonly verdict: string | null;
}

/**
 * Counts the death of a worker that held the run beside `suspects` suspects, this run included if it is one from now on. In
 * SQL the same is decided by `free-actors.ts`, which knows besides which run a worker stood still in.
 */
export function countDeath(before: DeathRecord, worker: WorkerDeath, suspects: number): CountedDeath {
  const deaths = before.deaths + 1;
  const killed = [worker, ...before.killed].slice(0, REMEMBERED_DEATHS);
  if (!isSuspect({ deaths })) return { deaths, killed, crowd: before.crowd, delay: 0, verdict: null };
  const wasAlone = before.crowd === 1 && suspects === 1;
  return wasAlone && deaths >= DEATHS_OF_A_BLOCKED_RUN
    ? {
        deaths,
        killed,
        crowd: suspects,
        delay: delayOf(BLOCK_DELAY, deaths),
        verdict: verdictOn(deaths, killed),
      }
    : { deaths, killed, crowd: suspects, delay: delayOf(SUSPECT_DELAY, deaths), verdict: null };
}

// What a verdict says, after the number of workers and after the list of those that are remembered.
export const THEY_DIED = 'workers died while they ran it: ';
export const AND_OTHERS = ', and others before';

function verdictOn(deaths: number, killed: readonly WorkerDeath[]): string {
  const workers = killed.map(({ name, host, pid }) => `${name} (process ${pid} on ${host})`).join(', ');
  return `${deaths} ${THEY_DIED}${workers}${deaths > killed.length ? AND_OTHERS : ''}`;
}

/**
 * Whether a worker of this build may do at once what another build could not: it has other code. In SQL: `wake-blocked.ts`.
 *
 * @param blockedBuild of the worker that found the run blocked; `null` where that is not known
 */
export function mayDoBetter(buildId: string, blockedBuild: string | null, record: DeathRecord): boolean {
  if (blockedBuild === buildId) return false;
  if (!isSuspect(record)) return true;
  const builds = new Set(record.killed.map((worker) => worker.buildId));
  return builds.size <= BUILDS_OF_DEPLOYMENTS && !builds.has(buildId);
}
