/** What users call from outside a workflow: start, signal, update, query, cancel, wait for the result, list. */
export type { WaitingFor } from './waiting-for.js';
export type { AttributeBounds, AttributeFilter } from './attribute-filter.js';
export { CallbackHandle } from './callback-handle.js';
export type { CallbackLookup, Settled, SettleOptions } from './callback-handle.js';
export * from './errors.js';
export * from './history-line.js';
export * from './message-sender.js';
export type * from './operations.js';
export type { ResultOptions } from './result-reader.js';
export type { UpdateOptions } from './update-asker.js';
export type { RollbackReport, RunReport } from './rollback-report.js';
export type { Debounce, DebouncedStart, StartOptions, StartSettings, StartTime } from './start-options.js';
export * from './workflow-client.js';
export * from './workflow-handle.js';
