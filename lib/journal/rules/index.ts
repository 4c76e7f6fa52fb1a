// What every adapter of the journal must do alike, as pure functions. Where an adapter does it in SQL, the SQL is written by
// the function beside, or takes its numbers from here; the contract suite compares the rest.
export * from './left-undone.js';
export * from './letters.js';
export * from './deaths.js';
export * from './growing-delay.js';
export * from './ids.js';
export * from './malformed-turns.js';
export * from './pages.js';
export * from './sessions.js';
export * from './start-policies.js';
export * from './storable.js';
export * from './deadlines.js';
export * from './overdue.js';
export * from './operations.js';
