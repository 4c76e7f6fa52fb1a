export { InMemoryJournal } from './in-memory-journal.js';
export { InMemoryStore, type InMemoryStoreOptions } from './in-memory-store.js';
