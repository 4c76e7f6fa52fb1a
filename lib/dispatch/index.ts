/**
 * Brings runs to the engine: claims those that are due, takes up suspects alone, frees what dead workers held, ends what nobody
 * serves once its time is over, and delivers what runs send to each other.
 */
export * from './lease-rescuer.js';
export * from './outbox-dispatcher.js';
export * from './overdue-sweeper.js';
export * from './run-dispatcher.js';
export * from './unserved-watch.js';
