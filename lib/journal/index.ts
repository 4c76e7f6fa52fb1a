/**
 * Where history is kept. `journal.ts` is the port, and what stands beside it are the rules that every adapter follows. The
 * adapters are `in-memory/` and `postgres/`; whoever holds runs or sends messages knows the port only.
 */
export * from './deadline.js';
export * from './errors.js';
export * from './ids.js';
export type * from './journal.js';
export * from './journal-retry.js';
export type * from './turn.js';
