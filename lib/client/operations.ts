import { nameProblem } from '../core/index.js';
import { factsOfMessage, factsOfSettlement, JournalError, verbOf } from '../journal/index.js';
import type {
  CallbackAnswer,
  CallbackSettlement,
  Message,
  NewOperation,
  OperationOutcome,
  OperationRefusal,
  RecordedOperation,
  RetryRollbackAnswer,
  RetryRollbackRequest,
  SendAnswer,
  StartAnswer,
  StartRequest,
  TerminateAnswer,
  TerminateRequest,
} from '../journal/index.js';
import type { ClientParts } from './client-parts.js';
import { invalid } from './validation.js';

/** Whoever asks for something, as people know them. */
export interface OperationActor {
  /** 1 to 255 bytes: a name, an address, an id. */
  readonly name: string;
}

/** What every verb takes that changes a run. */
export interface ActorOption {
  /**
   * Who asks: told as `by` in the history, and in `handle.operations()`. Workflows do not see it.
   * Defaults to what the option `actor` of the module answers.
   */
  readonly actor?: OperationActor | undefined;
}

/** Options of a verb that has a reason, and no more. */
export interface ReasonOptions extends ActorOption {
  /** Why, for people. Defaults to none. */
  readonly reason?: string | undefined;
}

export interface OperationsOptions {
  /** Of the page before. Defaults to the first page. */
  readonly cursor?: string | undefined;
  /** 1 to 1,000. Defaults to 50. */
  readonly limit?: number | undefined;
}
export interface OperationPage {
  readonly operations: readonly RecordedOperation[];
  /** Of the next page; `undefined` on the last one. */
  readonly cursor: string | undefined;
}

/** The name of whoever asks; `null` for nobody. Throws `InvalidInputError` for what is no name. */
export function byOf(parts: Pick<ClientParts, 'actor'>, actor: OperationActor | undefined): string | null {
  // Whoever is not held by the compiler may give anything.
  if (actor !== undefined && (typeof actor !== 'object' || actor === null))
    throw invalid('the option "actor"', "must be an object with a name, as { name: 'ann' }");
  const name: unknown = actor === undefined ? parts.actor() : actor.name;
  if (actor === undefined && name === undefined) return null;
  const problem = nameProblem(name);
  if (problem !== undefined) throw invalid('the name of an actor', problem);
  // The cast: what has no problem is a text.
  return name as string;
}

type Noting = Pick<ClientParts, 'journal'>;

/** Keeps what a message came to that was not taken. One that was taken has its row already. */
export async function noteMessage(
  parts: Noting,
  message: Message,
  sent: Exclude<SendAnswer, { type: 'again' | 'unanswered' }>,
): Promise<void> {
  const { namespace, workflowId, runId, kind, by } = message;
  if (sent.type === 'accepted' || by == null) return;
  if (kind !== 'signal' && kind !== 'update' && kind !== 'cancel') return;
  const about = { namespace, workflowId, runId, verb: kind, by };
  if (sent.type === 'duplicate') return note(parts, about, factsOfMessage(message), 'unchanged');
  const code = sent.closing ? 'closing' : sent.known ? 'closed' : 'not found';
  await note(parts, about, factsOfMessage(message), 'refused', code);
}

/** Keeps what a start came to that began no run. */
export async function noteStart(
  parts: Noting,
  { namespace, workflowId, by }: StartRequest,
  answer: Exclude<StartAnswer, { type: 'again' | 'unanswered' }>,
): Promise<void> {
  // Those are kept by the write itself.
  if (answer.type === 'started' || answer.type === 'debounced' || by == null) return;
  const about = { namespace, workflowId, runId: answer.runId, verb: 'start', by } as const;
  if (answer.type === 'existing') return note(parts, about, {}, 'unchanged');
  await note(parts, about, {}, 'refused', answer.type === 'conflict' ? 'already running' : 'reuse refused');
}

/** Keeps what a termination came to that ended nothing. */
export async function noteTermination(
  parts: Noting,
  { namespace, workflowId, runId, reason, by }: TerminateRequest,
  answer: Exclude<TerminateAnswer, { type: 'unanswered' }>,
): Promise<void> {
  if (answer.type === 'terminated' || by == null) return;
  const facts = reason === null ? {} : { reason };
  const about = { namespace, workflowId, runId, verb: 'terminate', by } as const;
  await note(parts, about, facts, 'refused', answer.known ? 'closed' : 'not found');
}

/** Keeps what a settlement came to that settled nothing. Of a key that nobody has no run is known. */
export async function noteSettlement(
  parts: Noting,
  settlement: CallbackSettlement,
  answer: Exclude<CallbackAnswer, { type: 'unanswered' }> | undefined,
  named: string | null,
): Promise<void> {
  const { namespace, by } = settlement;
  if (answer === undefined || answer.type === 'accepted' || by == null) return;
  const [verb, facts] = [verbOf(settlement), factsOfSettlement(settlement)];
  if (answer.type !== 'unknown') {
    const about = { namespace, ...answer.of, verb, by };
    if (answer.type === 'unchanged') return note(parts, about, facts, 'unchanged');
    return note(parts, about, facts, 'refused', 'not pending');
  }
  if (named === null) return;
  const about = { namespace, workflowId: named, runId: null, verb, by };
  await note(parts, about, facts, 'refused', 'not found');
}

/** Keeps what it came to that somebody asked for a rollback again, where it changed nothing. */
export async function noteRetry(
  parts: Noting,
  { namespace, workflowId, runId, reason, by }: RetryRollbackRequest,
  answer: Exclude<RetryRollbackAnswer, { type: 'retried' }>,
): Promise<void> {
  if (by == null) return;
  const facts = reason === null ? {} : { reason };
  const about = { namespace, workflowId, runId, verb: 'retryRollback', by } as const;
  await note(parts, about, facts, 'refused', CODE_OF[answer.type]);
}

const CODE_OF = {
  open: 'running',
  'nothing left': 'nothing left',
  taken: 'already running',
  unknown: 'not found',
} as const;

/** Nothing was changed: where the journal cannot be reached, the caller gets the answer it had all the same. */
async function note(
  { journal }: Noting,
  about: Omit<NewOperation, 'outcome' | 'facts'>,
  facts: NewOperation['facts'],
  outcome: OperationOutcome,
  code?: OperationRefusal,
): Promise<void> {
  try {
    await journal.record([{ ...about, outcome, facts: code === undefined ? facts : { ...facts, code } }]);
  } catch (error) {
    if (!(error instanceof JournalError)) throw error;
  }
}
