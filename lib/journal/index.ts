export * from './errors.js';
export * from './ids.js';
export type * from './journal.js';
export type * from './turn.js';
