import { query } from '../statement.js';

/** Whether a message with this id was sent to the workflow id before: an update, or any other one. */
export const isMessageKnown = query<
  {
    readonly namespace: string;
    readonly workflowId: string;
    readonly messageId: string;
    readonly isUpdate: boolean;
  },
  { readonly known: boolean }
>(
  'is message known',
  (schema) => `
select
  case
    when :isUpdate::boolean then exists (
      select true
      from ${schema}.updates as known
      where known.namespace = :namespace
        and known.workflow_id = :workflowId
        and known.update_id = :messageId
    )
    else exists (
      select true
      from ${schema}.message_ids as known
      where known.namespace = :namespace
        and known.workflow_id = :workflowId
        and known.message_id = :messageId
    )
  end as known
`,
);
