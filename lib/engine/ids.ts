import { randomUUID } from 'node:crypto';
import { uuidv7 } from 'uuidv7';
import { asRunId, asWorkerId } from '../journal/index.js';
import type { RunId, WorkerId } from '../journal/index.js';

/** Of runs: they grow with time, so that rows written together lie together. */
export const newRunId = (): RunId => asRunId(uuidv7());
/** Of workers. */
export const newWorkerId = (): WorkerId => asWorkerId(randomUUID());
/** Of messages whose caller gives none: updates, and what may have to be sent again. */
export const newMessageId = (): string => uuidv7();
/** Of a run's random streams (F9). */
export const newSeed = (): string => randomUUID();
