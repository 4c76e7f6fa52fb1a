import { describe, expect, it } from '@jest/globals';
import {
  ResultTimeoutError,
  RunBlockedError,
  UnknownHandlerError,
  UnknownWorkflowError,
  WorkflowAlreadyStartedError,
  WorkflowCancelledError,
  WorkflowFailedError,
  WorkflowTerminatedError,
} from '../../lib/client/index.js';

const SECRET = 'connect ECONNREFUSED 10.0.0.7';
const cause = new Error(SECRET);

// Nest's filter answers HTTP clients with the message of whatever has a status.
describe('what the client throws', () => {
  it.each([
    new WorkflowFailedError('order-1', 'run', 'complete', { cause }),
    new WorkflowCancelledError('order-1', 'run', 'complete', { cause }),
    new RunBlockedError('order-1', 'run', { cause }),
  ])('keeps the cause out of the message: $name', (error) => {
    expect(error.message).not.toContain(SECRET);
    expect(error.cause).toBe(cause);
  });

  it('keeps reasons and what there is instead in fields', () => {
    const terminated = new WorkflowTerminatedError('order-1', 'run', SECRET);
    const late = new ResultTimeoutError('order-1', 'run', 5, SECRET);
    const lost = new UnknownHandlerError('order', 'signal', 'pay', ['refundEverything']);
    expect([terminated.reason, late.blocked, lost.known]).toEqual([SECRET, SECRET, ['refundEverything']]);
    expect(`${terminated.message}${late.message}${lost.message}`).not.toMatch(
      /ECONNREFUSED|refundEverything/,
    );
  });

  it('gives no advice to developers', () => {
    expect(new WorkflowAlreadyStartedError('order-1', 'run', 'running').message).not.toContain('onConflict');
  });

  it('gives no status to a fault of the application, which Nest then hides and logs', () => {
    expect(new UnknownWorkflowError('order', 'Add its class.').statusCode).toBeUndefined();
  });
});
