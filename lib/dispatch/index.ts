export * from './lease-rescuer.js';
export * from './run-dispatcher.js';
