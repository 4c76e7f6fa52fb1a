import { describe, expect, it } from '@jest/globals';
import {
  InvalidInputError,
  ResultTimeoutError,
  RunBlockedError,
  TooManyUpdatesError,
  UnknownHandlerError,
  UnknownWorkflowError,
  UpdateRefusedError,
  WorkflowAlreadyStartedError,
  WorkflowCancelledError,
  WorkflowFailedError,
  WorkflowTerminatedError,
} from '../../lib/client/index.js';
import { refusedAsInvalid } from '../../lib/client/validation.js';
import { PayloadTooLargeError } from '../../lib/core/index.js';
import { ContentionError, JournalRefusedError, JournalUnavailableError } from '../../lib/journal/index.js';

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

  it('says whether somebody would go on with a run that has no result yet', () => {
    const late = (blocked: string | null, served?: boolean): string =>
      new ResultTimeoutError('order-1', 'run', 5, blocked, served).message;
    expect(late(null)).toMatch(/It goes on; ask again later\.$/);
    expect(late(null, false)).toMatch(/No worker that could go on with it is there at present\.$/);
    expect(late('drift', false)).toMatch(/It is blocked/);
  });

  it('tells what a validator says, but nothing of the inside of the code, and not without end', () => {
    const refused = (why: unknown): UpdateRefusedError =>
      new UpdateRefusedError('order-1', 'pay', { cause: why });
    expect(refused(new Error('It is paid.')).message).toBe(
      'The workflow "order-1" refused the update "pay": It is paid.',
    );
    const broken = new TypeError("Cannot read properties of undefined (reading 'secretKey')");
    expect(refused(broken)).toMatchObject({
      message: 'The workflow "order-1" refused the update "pay".',
      cause: broken,
    });
    expect(refused(new Error('x'.repeat(10_000))).message.length).toBeLessThan(600);
  });

  it('says with which id an update may be asked for again that was one too many', () => {
    const error = new TooManyUpdatesError('order-1', 'pay', 'u-1');
    expect(error).toMatchObject({ dedupeId: 'u-1', message: expect.stringContaining('another dedupeId') });
  });

  it('gives no advice to developers', () => {
    expect(new WorkflowAlreadyStartedError('order-1', 'run', 'running').message).not.toContain('onConflict');
    expect(new PayloadTooLargeError(2, 1).message).not.toContain('maxPayloadBytes');
  });

  it.each([
    new JournalUnavailableError(SECRET, true, { cause }),
    new JournalUnavailableError(SECRET, false, { cause }),
    new ContentionError(SECRET, { cause }),
  ])('tells nothing of the database, and answers 503: $message', (error) => {
    expect(error).toMatchObject({ status: 503, statusCode: 503, expose: true, detail: SECRET, cause });
    expect(`${error.message}${String(error.stack?.split('\n')[0])}`).not.toContain('10.0.0.7');
  });

  it('tells whether a write may have been done', () => {
    expect(new JournalUnavailableError(SECRET, true).message).toMatch(/may have been done/);
    expect(new JournalUnavailableError(SECRET, false).message).toMatch(/Try again later/);
    expect(new ContentionError(SECRET).message).toMatch(/Nothing was done/);
  });

  it('tells in its own words what the database refused', () => {
    const refused = refusedAsInvalid('the start', new JournalRefusedError(SECRET, { cause }));
    expect(refused).toBeInstanceOf(InvalidInputError);
    expect((refused as InvalidInputError).message).not.toContain('10.0.0.7');
    expect(refused).toMatchObject({ cause: { message: SECRET } });
    const rule = refusedAsInvalid('the start', new JournalRefusedError('A name has at most 255 bytes.'));
    expect((refused as InvalidInputError).statusCode).toBe(400);
    expect((rule as InvalidInputError).message).toBe('The start is not valid: A name has at most 255 bytes.');
  });

  it('gives no status to a fault of the application, which Nest then hides and logs', () => {
    expect(new UnknownWorkflowError('order', 'Add its class.').statusCode).toBeUndefined();
  });
});
