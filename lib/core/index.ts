/**
 * What a run is, purely: no framework, no database, no clock, no timers, no randomness.
 *
 * Glossary
 * - **workflow**: a class whose `run` survives crashes; **workflow id**: the name that one open run has at a time.
 * - **run**: one execution of a workflow. It is **open** until it is **closed**: completed, failed, cancelled, timed out or terminated, or continued as another run of the same workflow id.
 * - **activity**: a piece of work with effects; **attempt**: one try at it; **compensation**: the activity that undoes it.
 * - **signal**: a message to a run; **query**: a question to it; **timer**: a durable alarm clock.
 * - **message**: a signal, a request to cancel, or a result that could not be recorded at once; **inbox**: where they wait.
 * - **history**: the events and commands of a run, in order; **replay**: running the code over its history again.
 * - **event**: something from outside that was delivered to the code; **command**: something the code asked for.
 * - **turn**: what was done between two commits; **drift**: the code asks for something else than its history says.
 * - **blocked**: of a run that cannot go on. It keeps its history, and is tried again later or when another build comes.
 * - **worker**: a process that takes turns; **actor**: the row of an open run by which it is claimed, with its inbox.
 * - **lease**: a worker's right to one actor; **lease timeout**: how long it lives without a heartbeat of its worker.
 * - **fencing token**: the number that proves the right, so that a worker that was taken for dead writes nothing more.
 */

/*
 * Words of the inside, for contributors:
 * - **entry**: what a history consists of: events, commands and notes; **note**: a fact about work in flight, which the code
 *   does not see.
 * - **fold**: what runs code over a history, and goes on from there; **fault**: why a turn of it cannot go on.
 * - **window**: the time in which the code of one run reacts to one delivery, with nothing else of the process in between;
 *   **segment**: an event with the commands and notes that came of it.
 * - **claim**: to take the lease of a run that is due; **release**: to give it back with the time at which the run is due again.
 * - **holder**: who has the lease; **resident**: of a run that its holder has in memory.
 * - **fence**: that a write under an older token is refused; after doubt about a commit the fence is moved, to a new token.
 * - **session**: the row of a worker, which heartbeats prolong; **rescue**: to free what a dead worker held.
 * - **suspect**: a run that several workers died with, one after the other: it is claimed apart from others; **crowd**: the
 *   suspects that died together.
 * - **parked**: of an attempt that no worker has begun: whoever holds the run at its time begins it.
 * - **hint**: a word to other processes that there may be work. One that is lost costs a short delay and nothing else.
 * - **dedupe id**: sent twice under it, a message counts once.
 */

export * from './activity-options.js';
export * from './activity-proxy.js';
export {
  attributesProblem,
  LONGEST_DETAILS,
  MOST_ATTRIBUTE_BYTES,
  MOST_ATTRIBUTES,
  patched,
  sameJson,
} from './attributes.js';
export type { AttributePatch, Attributes, AttributeValue, PlainPatch } from './attributes.js';
export * from './callback-token.js';
export * from './codec.js';
export * from './define-signal.js';
export * from './definitions.js';
export * from './describe-handlers.js';
export * from './duration.js';
export * from './entry-catalogue.js';
export type { EntryField } from './entry-fields.js';
export { bytesOf } from './entry-size.js';
export * from './errors.js';
export * from './fold/async-scope.js';
export { isThenable } from './fold/deferred.js';
export * from './fold/fold.js';
export * from './fold/ownership.js';
export * from './fold/steppable.js';
export * from './history-limits.js';
export type * from './history.js';
export * from './method-marks.js';
export { isOfLanguage } from './misuse.js';
export type { Mistakes } from './misuse.js';
export * from './names.js';
export * from './progress.js';
export * from './reaching-errors.js';
export * from './retry-policy.js';
export type * from './rollback-steps.js';
export * from './semantics-version.js';
export * from './small-map.js';
export type * from './stored.js';
export * from './thrown.js';
export * from './types.js';
export { limit } from './values/failure-limits.js';
export * from './values/index.js';
export * from './workflow-context.js';
export * from './workflow-descriptor.js';
