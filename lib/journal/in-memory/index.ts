export { InMemoryJournal } from './in-memory-journal.js';
export { InMemoryStore, type InMemoryStoreOptions, type Lockable } from './in-memory-store.js';
export type { RowLock } from './row-lock.js';
