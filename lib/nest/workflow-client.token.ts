import { WorkflowClient } from '../client/workflow-client.js';

const PREFIX = 'ContinuumWorkflowClient_';

/**
 * The token of an instance's {@link WorkflowClient}: the class itself, or a text for an instance with a name. For
 * `overrideProvider()` in tests, and for factories.
 *
 * @param name of `ContinuumModule.forRoot({ name })`. Defaults to the instance without a name.
 */
export const getWorkflowClientToken = (name?: string): typeof WorkflowClient | string =>
  name === undefined || name === 'default' ? WorkflowClient : `${PREFIX}${name}`;

export const isWorkflowClientToken = (token: unknown): boolean =>
  token === WorkflowClient || (typeof token === 'string' && token.startsWith(PREFIX));
