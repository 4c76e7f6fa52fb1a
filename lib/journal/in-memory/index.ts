/**
 * The journal of one process, without a database: for tests, and for trying things out. It does whatever the one on Postgres
 * does, leases, locks and transactions of the caller included, in the plainest way: who wants to know what a verb means reads
 * it here.
 */
export type { CallbackRows, StoredCallback } from './callbacks.js';
export { InMemoryJournal } from './in-memory-journal.js';
export { InMemoryStore, type InMemoryStoreOptions, type Lockable } from './in-memory-store.js';
export type { RowLock } from './row-lock.js';
