import type { RunId } from '../../ids.js';

/** By its key, or by the run and the command that have opened it: whichever is not null. */
export interface FindCallback {
  readonly [name: string]: string | number | null;
  readonly namespace: string;
  readonly key: string | null;
  readonly runId: string | null;
  readonly command: number | null;
  readonly messageId: string;
}

export interface KnownCallback {
  readonly run_id: RunId;
  readonly command: number;
  readonly workflow_id: string;
  readonly open: boolean;
  readonly settled: boolean;
  /** By a message with this id. */
  readonly same: boolean;
}

/**
 * Of one key: the callback that a message with this id has settled, so that it settles no later one; else the one that is open;
 * else the latest.
 */
export const knownCallback = (schema: string): string => `
  select
    callback.run_id, callback.command, callback.actor_id, run.workflow_id,
    callback.over_at is null as open,
    callback.message_id is not null as settled,
    (callback.message_id = :messageId::text) is true as same
  from (
    select by_key.*
    from ${schema}.callbacks as by_key
    where by_key.namespace = :namespace::text
      and by_key.key = :key::text
    union all
    select by_command.*
    from ${schema}.callbacks as by_command
    where by_command.run_id = :runId::uuid
      and by_command.command = :command::int
      and by_command.namespace = :namespace::text
  ) as callback
  join ${schema}.runs as run on run.id = callback.run_id
  order by same desc, open desc, callback.opened_at desc
  limit 1`;
