/**
 * What a run is, purely: no framework, no database, no clock, no timers, no randomness.
 *
 * Glossary
 * - **workflow**: a class whose `run` survives crashes; **workflow id**: the name one open run has at a time.
 * - **run**: one execution of a workflow; **actor**: the one writer of a workflow id, with its inbox.
 * - **event**: something from outside that was delivered to the code; **command**: something the code asked for.
 * - **history**: the events and commands of a run, in order; **replay**: running the code over its history again.
 * - **turn**: what was done between two commits; **drift**: the code asks for something else than its history says.
 * - **activity**: a piece of work with effects; **attempt**: one try at it; **compensation**: the activity that undoes it.
 * - **signal**: a message to a run; **query**: a question to it; **timer**: a durable alarm clock.
 * - **worker**: a process that takes turns; **lease**: its right to one actor; **fencing token**: what proves the right.
 */
export * from './activity-options.js';
export * from './activity-proxy.js';
export * from './codec.js';
export * from './define-signal.js';
export * from './definitions.js';
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
export type * from './history.js';
export * from './method-marks.js';
export type { Mistakes } from './misuse.js';
export * from './names.js';
export * from './progress.js';
export * from './retry-policy.js';
export * from './semantics-version.js';
export type * from './stored.js';
export * from './thrown.js';
export * from './types.js';
export { limit } from './values/failure-limits.js';
export * from './values/index.js';
export * from './workflow-context.js';
export * from './workflow-descriptor.js';
