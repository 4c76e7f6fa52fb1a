export * from './errors.js';
export type * from './journal.js';
export type * from './turn.js';
