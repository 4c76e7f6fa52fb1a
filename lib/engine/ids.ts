import { randomUUID } from 'node:crypto';
import { uuidv7 } from 'uuidv7';

/** Of runs: they grow with time, so that rows written together lie together. */
export const newRunId = (): string => uuidv7();
/** Of workers. */
export const newWorkerId = (): string => randomUUID();
/** Of a run's random streams (F9). */
export const newSeed = (): string => randomUUID();
