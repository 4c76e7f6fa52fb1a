// The port in its roles: what the engine and the client ask of whatever keeps history. Types only; the adapters do it.
export type * from './callbacks.js';
export type * from './deadlines.js';
export type * from './hints.js';
export type * from './holding.js';
export type * from './operations.js';
export type * from './outbox.js';
export type * from './reading.js';
export type * from './sending.js';
export type * from './turn.js';
export type * from './workers.js';
