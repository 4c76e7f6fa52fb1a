/**
 * For whoever writes tests, or an adapter of the journal: the port with its types and errors, the suite that every
 * adapter passes, the adapter in memory, and a clock that a test moves.
 */
export * from './journal-contract/index.js';
export { ManualClock } from './manual-clock.js';

export { InMemoryJournal, InMemoryStore } from '../journal/in-memory/index.js';
export type { InMemoryStoreOptions, Lockable, RowLock } from '../journal/in-memory/index.js';
export * from '../journal/index.js';
