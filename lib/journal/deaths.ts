/** So many of the workers that died with a run are remembered by name. */
export const REMEMBERED_DEATHS = 5;

// A run that kills its workers is found as one bad item in a batch is: by looking at fewer and fewer at a time.

/** A run is a suspect after so many workers died, one after the other, while they held it. It is claimed apart from all others. */
export const DEATHS_OF_A_SUSPECT = 3;
/**
 * Suspects that died together are taken up again in groups, each an eighth of them. So the one that kills its workers is alone
 * after a few deaths, however many died with it, and the others wait for a few groups at most: after all workers lost power at
 * once, three times in a row, every run goes on within seconds.
 */
export const GROUPS = 8;

/** How long a suspect waits before it is taken up again, by the number of deaths. In ms. */
export const FIRST_SUSPECT_DELAY = 1_000;
export const SUSPECT_BACKOFF = 2;
export const LONGEST_SUSPECT_DELAY = 3_600_000;

/**
 * A run that was the only suspect of two workers that died, one after the other, is blocked. Once may be chance: where
 * processes are killed every few seconds for other reasons, some run is always the only suspect of one of them. Such a run has
 * at least this many deaths.
 */
export const DEATHS_OF_A_BLOCKED_RUN = DEATHS_OF_A_SUSPECT + 2;
/** It is blocked for so long at first, then for twice as long each time, or until another build comes. In ms. */
export const FIRST_BLOCK = 600_000;
export const LONGEST_BLOCK = 6 * 3_600_000;
/**
 * If the workers that it killed were of more builds than this, builds do not tell deployments apart: by default every process
 * has a build of its own, and the process that replaces a dead one must not die of the same run at once.
 */
export const BUILDS_OF_DEPLOYMENTS = 2;
