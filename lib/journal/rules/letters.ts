import type { CommandId } from '../../core/index.js';
import type { Message, OutgoingStart, StartWithAnswer, StartWithRequest } from '../port/index.js';

/** What becomes of a child, as its parent is told: that it was started or not, or how it ended. */
export type ChildNews =
  'accepted' | 'refused' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed_out';

/** What becomes of what a run has sent to another one, as it is told. */
export type MessageNews = 'delivered' | 'not found' | 'not running';

/** What becomes of a callback, as the run that has opened it is told: how it was settled, or that its key was taken. */
export type CallbackNews = 'completed' | 'failed' | 'taken';

/** What a message tells of a command: of this run, because a later run of the actor counts its commands anew. */
export interface LetterName {
  readonly runId: string;
  readonly command: CommandId;
  readonly news: ChildNews | MessageNews | CallbackNews;
}

/** What is asked of a journal for a signal that may start a run. */
export const startWithSignal = (
  target: Pick<Message, 'namespace' | 'workflowId' | 'name' | 'payload'>,
  { runId, workflow, version, input, limits }: OutgoingStart,
): StartWithRequest => ({
  start: {
    runId,
    namespace: target.namespace,
    workflowId: target.workflowId,
    workflow,
    version,
    input,
    limits: limits ?? null,
    priority: USUAL_PRIORITY,
    startAt: null,
    onConflict: 'useExisting',
    onReuse: 'allow',
    attributes: null,
    first: null,
  },
  message: { ...target, runId: null, kind: 'signal', dedupeId: null },
});
const USUAL_PRIORITY = 2;

/** What is told of it to its sender. A run that is there takes the signal, or rolls back. */
export const newsOfStart = ({ type }: StartWithAnswer): MessageNews =>
  type === 'closing' ? 'not running' : 'delivered';

/** Why a child was terminated with its parent. */
export const PARENT_CLOSED = 'The parent has ended.';

/**
 * The name of a message `child_start`, `child_end`, `message_result` or `callback_result`. On Postgres it is put together in the same way by
 * `reach-turns.ts` and `end-actor.ts`, and by `deliver-outbox.ts` from the `reply` that `reach-turns.ts` keeps.
 */
export const letterName = ({ runId, command, news }: LetterName): string => `${runId}:${command}:${news}`;

export function readLetterName(name: string): LetterName {
  const [runId = '', command = '', news = ''] = name.split(':');
  // The cast: the journal has written it.
  return { runId, command: Number(command), news: news as LetterName['news'] };
}
