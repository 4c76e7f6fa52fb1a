import { Inject } from '@nestjs/common';
import { getWorkflowClientToken } from '../workflow-client.token.js';

/**
 * Injects the `WorkflowClient` of an instance that has a name. Without one, the type alone is enough.
 *
 * ```ts
 * constructor(@InjectWorkflowClient('billing') private readonly billing: WorkflowClient) {}
 * ```
 *
 * @param name of `ContinuumModule.forRoot({ name })`. Defaults to the instance without a name.
 */
export const InjectWorkflowClient = (name?: string): PropertyDecorator & ParameterDecorator =>
  Inject(getWorkflowClientToken(name));
