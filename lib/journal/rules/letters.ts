import type { CommandId } from '../../core/index.js';

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
