export * from './deadline.js';
export * from './errors.js';
export * from './ids.js';
export type * from './journal.js';
export * from './journal-retry.js';
export type * from './turn.js';
