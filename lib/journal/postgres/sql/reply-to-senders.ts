import { command } from '../statement.js';

/** Tells senders what became of what they have sent: those that are there still, by the outbox like everything else. */
export const replyToSenders = command<
  { readonly sources: string; readonly names: string },
  { readonly id: number }
>(
  'reply to senders',
  (schema) => `
insert into ${schema}.outbox as letter (namespace, source, kind, workflow_id, actor_id, name)
select sender.namespace, sender.id, 'message_result', sender.workflow_id, sender.id, reply.name
from unnest(:sources::uuid[], :names::text[]) with ordinality as reply(source, name, ordinal)
cross join lateral (
  select actor.id, actor.namespace, actor.workflow_id
  from ${schema}.actors as actor
  where actor.id = reply.source
  limit 1
) as sender
order by reply.ordinal
returning letter.id::float8 as id
`,
);
