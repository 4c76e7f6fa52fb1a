import { command } from '../statement.js';
import type { ActorId, RunId } from '../../ids.js';

/** Waits for an actor's row and locks it, `for update`. Answers nothing where there is no such row (any more). */
export const lockActor = command<
  {
    readonly namespace: string;
    readonly workflowId: string;
    readonly runId: string | null;
    readonly onlyActor: string | null;
  },
  { readonly id: ActorId; readonly run_id: RunId }
>(
  'lock actor',
  (schema) => `
select actor.id, actor.run_id
from ${schema}.actors as actor
where actor.namespace = :namespace
  and actor.workflow_id = :workflowId
  and (actor.run_id = :runId::uuid or :runId::uuid is null)
  and (actor.id = :onlyActor::uuid or :onlyActor::uuid is null)
for update
`,
);
