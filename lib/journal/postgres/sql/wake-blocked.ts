import { BUILDS_OF_DEPLOYMENTS, DEATHS_OF_A_SUSPECT } from '../../rules/deaths.js';
import { type Lock, type Statement, command } from '../statement.js';

interface WakeBlocked {
  readonly [name: string]: string;
  readonly namespace: string;
  readonly buildId: string;
}

/**
 * Makes runs of a namespace claimable that were blocked under another build. A run that workers died with is woken only if none
 * of them was of this build. Answers how many.
 */
const wakeBlocked = (lock: Lock): Statement<WakeBlocked, { readonly id: string }> =>
  command(
    `wake blocked ${lock}`,
    (schema) => `
with blocked as materialized (
  select actor.id
  from ${schema}.actors as actor
  where actor.blocked is not null
    and actor.namespace = :namespace
    and actor.blocked_build is distinct from :buildId
    and actor.lease_owner is null
    and actor.not_before > now()
    and (
      actor.deaths < ${DEATHS_OF_A_SUSPECT}
      -- Where every process has a build of its own, a process that is restarted is no deployment.
      or (
        select count(distinct worker->>'buildId') <= ${BUILDS_OF_DEPLOYMENTS} and not bool_or(worker->>'buildId' = :buildId)
        from jsonb_array_elements(actor.killed) as worker
      )
    )
  order by actor.id
  for no key update ${lock}
)
update ${schema}.actors as actor
set wake_at = now(),
    not_before = null
from blocked
where actor.id = blocked.id
returning actor.id
`,
  );

export const WAKE_BLOCKED: Readonly<Record<Lock, ReturnType<typeof wakeBlocked>>> = {
  'skip locked': wakeBlocked('skip locked'),
  '': wakeBlocked(''),
};
