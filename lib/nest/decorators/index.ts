/** The decorators that users write. Each only notes what it was told; `continuum.explorer.ts` reads the notes. */
export * from './activity.decorator.js';
export * from './compensate.decorator.js';
export * from './inject-workflow-client.decorator.js';
export * from './on-query.decorator.js';
export * from './on-signal.decorator.js';
export * from './on-update.decorator.js';
export * from './validate-update.decorator.js';
export * from './run-input.decorator.js';
export type * from './schema-yields.js';
export * from './workflow-safe.decorator.js';
export * from './workflow.decorator.js';
