import { actorOf } from '../journal/index.js';
import type { Message, RunId, SendAnswer, StartRequest, StartWithAnswer } from '../journal/index.js';
import type { ClientParts } from './client-parts.js';
import { WorkflowAlreadyStartedError, WorkflowNotRunningError } from './errors.js';
import { noteMessage, noteStart } from './operations.js';
import { sendInDoubt } from './update-asker.js';
import { refusedAsInvalid } from './validation.js';

/** Where the message of a start went. */
export interface StartedWith {
  /** `null`: the message was sent before, and nothing was started; whichever run has the workflow id. */
  readonly runId: RunId | null;
  readonly created: boolean;
  readonly sent: Extract<SendAnswer, { type: 'accepted' | 'duplicate' }>;
}

/**
 * Starts a run with its first message, or sends that to the run that has the workflow id. Repeated while its answer gets lost.
 *
 * @param over whether nobody waits for it any more; defaults to never
 */
export async function startWith(
  { journal }: Pick<ClientParts, 'journal'>,
  start: StartRequest,
  message: Message,
  over?: () => boolean,
): Promise<StartedWith> {
  const sending = sendInDoubt(() => journal.startWith({ start, message }), over);
  const answer = await sending.catch((error: unknown) => {
    throw refusedAsInvalid(`the start of "${start.workflowId}"`, error);
  });
  await noteStartWith({ journal }, start, message, answer);
  return startedWith(start, message, answer);
}

/** Keeps what it came to, where neither was done: both are in one transaction. */
async function noteStartWith(
  parts: Pick<ClientParts, 'journal'>,
  start: StartRequest,
  message: Message,
  answer: StartWithAnswer,
): Promise<void> {
  switch (answer.type) {
    case 'started':
    case 'sent':
      return;
    case 'duplicate':
      return noteMessage(parts, message, answer);
    case 'closing':
      return noteMessage(parts, message, { type: 'not running', known: true, closing: true });
    case 'existing':
      return noteMessage(parts, message, { type: 'not running', known: true });
    case 'conflict':
    case 'reuse refused':
      return noteStart(parts, start, answer);
    default:
      return answer satisfies never;
  }
}

function startedWith({ workflowId }: StartRequest, message: Message, answer: StartWithAnswer): StartedWith {
  switch (answer.type) {
    case 'started': {
      const { runId } = answer;
      return { runId, created: true, sent: { type: 'accepted', actorId: actorOf(runId), n: 2, owner: null } };
    }
    case 'sent':
      return { runId: answer.runId, created: false, sent: answer.sent };
    case 'duplicate':
      return { runId: null, created: false, sent: { type: 'duplicate' } };
    case 'closing':
    case 'existing':
      throw new WorkflowNotRunningError(
        workflowId,
        `it takes no ${message.kind} "${message.name}"`,
        answer.type === 'closing' ? 'closing' : 'closed',
      );
    case 'conflict':
      throw new WorkflowAlreadyStartedError(workflowId, answer.runId, 'running');
    case 'reuse refused':
      throw new WorkflowAlreadyStartedError(workflowId, answer.runId, answer.state);
    default:
      return answer satisfies never;
  }
}
