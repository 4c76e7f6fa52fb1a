export * from './root-context.js';
export * from './wakeup.js';
