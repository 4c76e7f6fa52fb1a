/** Continuum as a module of Nest: decorators, discovery of providers, options, and when what is started and stopped. */
export * from './activity-runner.js';
export * from './continuum.explorer.js';
export { ContinuumModule } from './continuum.module.js';
export type * from './continuum.options.js';
export * from './decorators/index.js';
export * from './errors/index.js';
export * from './workflow-client.token.js';
export * from './workflow-context.provider.js';
