/** Waiting, batches, slots, contexts: what the layers after it share, and what knows nothing of runs or journals. */
export * from './batcher.js';
export * from './churning-map.js';
export * from './long-timer.js';
export * from './pause.js';
export * from './root-context.js';
export * from './shared-timers.js';
export * from './slots.js';
export * from './stop-switch.js';
export * from './time-limit.js';
