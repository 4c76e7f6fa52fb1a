import { JournalError } from '../errors.js';
import { actorOf } from '../ids.js';
import type { RunId } from '../ids.js';
import type { Message, StartWithAnswer, StartWithRequest } from '../port/index.js';
import { sendWithin } from './send-messages.js';
import { isMessageKnown } from './sql/is-message-known.js';
import { lockActor } from './sql/lock-actor.js';
import { putSignalFirst } from './sql/put-signal-first.js';
import { startByPolicy } from './start-runs.js';
import type { StatementRunner } from './statement.js';

/** Thrown to roll back a start: another transaction has sent the message meanwhile. */
export class MessageWasSent extends Error {
  override readonly name: string = 'MessageWasSent';
}

/** How often a workflow id is looked at whose runs end and begin meanwhile. */
const TRIES = 20;

/**
 * Starts a run with its first message, or sends that to the open one, inside a transaction.
 * Throws {@link StartRefused} and {@link MessageWasSent} where what was written must be rolled back.
 */
export async function startWith(
  sql: StatementRunner,
  { start, message }: StartWithRequest,
): Promise<StartWithAnswer> {
  const { namespace, workflowId, runId } = start;
  for (let tries = 0; tries < TRIES; tries++) {
    const [open] = await sql.run(lockActor, { namespace, workflowId, runId: null, onlyActor: null });
    // By an earlier try, whose answer got lost.
    if (open?.run_id === runId) return { type: 'started', runId };
    if (await isKnown(sql, message)) return { type: 'duplicate' };
    if (open !== undefined && start.onConflict === 'useExisting') {
      const [sent] = await sendWithin(sql, [{ ...message, runId: open.run_id }], '');
      if (sent?.type === 'duplicate') return { type: 'duplicate' };
      // It is locked, and so still there: if it takes nothing, it rolls back.
      return sent?.type === 'accepted'
        ? { type: 'sent', runId: open.run_id, sent }
        : { type: 'closing', runId: open.run_id };
    }
    const answer = await startByPolicy(sql, start);
    if (answer.type === 'unanswered') throw answer.error;
    // Another run was started meanwhile: it is looked at again.
    if (answer.type === 'existing' || answer.type === 'again') continue;
    if (answer.type !== 'started') return answer;
    await sendFirst(sql, message, runId);
    return { type: 'started', runId };
  }
  throw new JournalError(
    `Runs of the workflow id "${workflowId}" start and end so quickly that none could be told to have it. Try again.`,
  );
}

async function sendFirst(sql: StatementRunner, message: Message, runId: RunId): Promise<void> {
  const [sent] = await sendWithin(sql, [{ ...message, runId }], '');
  if (sent?.type === 'duplicate') throw new MessageWasSent();
  if (sent?.type !== 'accepted') {
    throw new JournalError(
      `The ${message.kind} to a run that was started just now was answered ${sent?.type}.`,
    );
  }
  if (message.kind === 'signal') await sql.run(putSignalFirst, { actorId: actorOf(runId) });
}

async function isKnown(sql: StatementRunner, message: Message): Promise<boolean> {
  const { namespace, workflowId, dedupeId, kind } = message;
  const [row] = await sql.run(isMessageKnown, {
    namespace,
    workflowId,
    messageId: dedupeId ?? '',
    isUpdate: kind === 'update',
  });
  return row?.known === true;
}
