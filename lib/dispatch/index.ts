/**
 * Brings runs to the engine: claims those that are due, takes up suspects alone, frees what dead workers held, and delivers what
 * runs send to each other.
 */
export * from './lease-rescuer.js';
export * from './outbox-dispatcher.js';
export * from './run-dispatcher.js';
export * from './unserved-watch.js';
