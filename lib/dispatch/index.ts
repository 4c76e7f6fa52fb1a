/** Brings runs to the engine: claims those that are due, takes up suspects alone, and frees what dead workers held. */
export * from './lease-rescuer.js';
export * from './run-dispatcher.js';
