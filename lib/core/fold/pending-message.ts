import type { MessageSent } from '../history.js';
import { WorkflowNotFoundError, WorkflowNotRunningError } from '../reaching-errors.js';
import type { EndingEvent } from './operation.js';
import { Operation } from './operation.js';
import type { Scope } from './scope.js';
import type { UnawaitedOutcome } from './unawaited-calls.js';

/** A message to another run, on its way. */
export class PendingMessage extends Operation {
  readonly #sent: MessageSent;

  constructor(
    scope: Scope,
    sent: MessageSent,
    readonly call: string,
  ) {
    super(scope, sent.id);
    this.#sent = sent;
  }

  settle(event: EndingEvent): UnawaitedOutcome | null {
    if (event.type !== 'message_not_delivered') {
      this.resolve();
      return null;
    }
    const { workflowId, name } = this.#sent;
    const what = name === null ? 'it cannot be cancelled' : `the signal "${name}" was not sent`;
    const error =
      event.why === 'not found'
        ? new WorkflowNotFoundError(workflowId)
        : new WorkflowNotRunningError(workflowId, what);
    this.reject(error);
    return { outcome: 'failed', error };
  }
}
