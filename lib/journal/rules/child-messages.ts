import type { CommandId } from '../../core/index.js';

/** What becomes of a child, as its parent is told: that it was started or not, or how it ended. */
export type ChildNews =
  'accepted' | 'refused' | 'completed' | 'failed' | 'cancelled' | 'terminated' | 'timed_out';

/** Which child a message is about: that of this command of this run. A later run of the actor counts its commands anew. */
export interface ChildMessage {
  readonly runId: string;
  readonly command: CommandId;
  readonly news: ChildNews;
}

/** Why a child was terminated with its parent. */
export const PARENT_CLOSED = 'The parent has ended.';

/** The name of a message `child_start` or `child_end`. Postgres puts it together in the same way, see `reach-turns.ts`. */
export const childMessageName = ({ runId, command, news }: ChildMessage): string =>
  `${runId}:${command}:${news}`;

export function readChildMessage(name: string): ChildMessage {
  const [runId = '', command = '', news = ''] = name.split(':');
  // The cast: the journal has written it.
  return { runId, command: Number(command), news: news as ChildNews };
}
