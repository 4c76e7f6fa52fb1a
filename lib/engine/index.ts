/**
 * Runs workflows in this process. `run/` is one run in memory and its turns, `activities/` their attempts, `commit/` how turns
 * are written together, `worker/` what this process owns in the journal, `process/` what there is one of in a process,
 * `replay-check/` the second look at every turn in development.
 */
export * from './activities/activity-context.js';
export * from './activities/activity-executor.js';
export * from './process/async-scope.js';
export * from './worker/database-clock.js';
export * from './engine.js';
export * from './ids.js';
export * from './limited-codec.js';
export * from './process/process-guard.js';
export * from './registry.js';
export * from './run/resident-run.js';
export * from './run/resident-runs.js';
export { INBOX_UNREAD, RunGoneError } from './run/waiting-queries.js';
export type * from './run/run-host.js';
export * from './process/window-scheduler.js';
