import { storableText } from '../../core/index.js';
import type { Claim, ClaimRequest, SuspectRequest } from '../port/index.js';
import { numberArray, textArray, uuidOrNil } from './array-literals.js';
import { type ClaimRow, claimActors } from './sql/claim-actors.js';
import { claimSuspects as claimSuspectActors } from './sql/claim-suspects.js';
import { toDeadlines, toLineage } from './row-mapping.js';
import type { StatementRunner } from './statement.js';
import type { WorkerId } from '../ids.js';

const PRIORITIES = [0, 1, 2, 3, 4];

/** Claims due actors: one priority after the other, and within one the workflows in an order that changes. */
export async function claim(sql: StatementRunner, request: ClaimRequest): Promise<readonly Claim[]> {
  const { owner, namespace, workflows, limit } = request;
  if (workflows.length === 0 || limit < 1) return [];
  // In another order each time, so that no workflow is always looked at last, and two workers rarely look at the same one.
  const probes = PRIORITIES.flatMap((priority) =>
    shuffled(workflows).map((workflow) => ({ ...workflow, priority })),
  );
  const rows = await sql.run(claimActors, {
    owner: uuidOrNil(owner),
    namespace: storableText(namespace),
    workflows: textArray(probes.map((probe) => probe.name)),
    versions: numberArray(probes.map((probe) => probe.version)),
    priorities: numberArray(probes.map((probe) => probe.priority)),
    limit,
  });
  return rows
    .toSorted((a, b) => a.priority - b.priority || a.due_at - b.due_at)
    .map((row) => toClaim(row, owner));
}

/** Claims the suspect that is due the longest; or a group of those that died together. */
export async function claimSuspects(
  sql: StatementRunner,
  request: SuspectRequest,
): Promise<readonly Claim[]> {
  const { owner, namespace, workflows, limit, waited } = request;
  if (workflows.length === 0 || limit < 1) return [];
  const rows = await sql.run(claimSuspectActors, {
    owner: uuidOrNil(owner),
    namespace: storableText(namespace),
    workflows: textArray(workflows.map(({ name }) => name)),
    versions: numberArray(workflows.map(({ version }) => version)),
    limit,
    waited,
  });
  return rows.map((row) => toClaim(row, owner));
}

function shuffled<T>(items: readonly T[]): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const k = Math.floor(Math.random() * (i + 1));
    [result[i], result[k]] = [result[k] as T, result[i] as T];
  }
  return result;
}

const toClaim = (row: ClaimRow, owner: WorkerId): Claim => ({
  lease: { owner, actorId: row.id, runId: row.run_id, token: row.lease_token },
  namespace: row.namespace,
  workflowId: row.workflow_id,
  workflow: row.workflow,
  version: row.version,
  inboxSeq: row.inbox_seq,
  inboxConsumed: row.inbox_consumed,
  failedTurns: row.failed_turns,
  deaths: row.deaths,
  lineage: toLineage(row.lineage),
  deadlines: toDeadlines(row),
});
