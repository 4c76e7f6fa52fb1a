import type { DataSource, SelectQueryBuilder } from 'typeorm';
import { SUMMARY_LENGTH } from '../../core/index.js';
import { decodeCursor, encodeCursor, refusePageSize } from '../rules/pages.js';
import { refuseUnstorableFilter } from '../rules/storable.js';
import type { ListQuery, RunDescription, RunFilter, RunOutcome, RunPage, RunRef } from '../port/index.js';
import type { RunId } from '../ids.js';
import { textArray, uuidArray, uuidOrNil } from './array-literals.js';
import { ACTOR, HISTORY, RUN, WORKER, type Run } from './entities/index.js';
import { toEntry } from './row-mapping.js';
import { type DescribedRun, NO_ACTOR, describeEntity, toDescription } from './run-mapping.js';
import { whereAttributes } from './where-attributes.js';
import { describeRuns } from './sql/describe-runs.js';
import { readOutcomes } from './sql/read-outcomes.js';
import type { StatementRunner } from './statement.js';

export async function describe(
  sql: StatementRunner,
  refs: readonly RunRef[],
): Promise<readonly (RunDescription | null)[]> {
  const rows = await sql.run(describeRuns, {
    namespaces: textArray(refs.map((ref) => ref.namespace)),
    workflowIds: textArray(refs.map((ref) => ref.workflowId)),
    runIds: textArray(refs.map(({ runId }) => (runId === null ? null : uuidOrNil(runId)))),
  });
  const found = new Map(rows.map((row) => [row.ordinal, toDescription(row)]));
  return refs.map((_, i) => found.get(i + 1) ?? null);
}

export async function outcomes(
  sql: StatementRunner,
  runIds: readonly RunId[],
): Promise<readonly (RunOutcome | null)[]> {
  const rows = await sql.run(readOutcomes, { runIds: uuidArray(runIds.map(uuidOrNil)) });
  const found = new Map(rows.map((row) => [row.ordinal, row]));
  return runIds.map((_, i) => {
    const row = found.get(i + 1);
    if (row === undefined) return null;
    const failure = row.state === 'failed' ? row.payload : null;
    const run = toDescription({ ...row, ...NO_ACTOR, failure });
    return { run, last: toEntry(row) };
  });
}

/** A page of runs. Keyset pages, so that the hundredth page costs as much as the first. */
export async function list(dataSource: DataSource, query: ListQuery): Promise<RunPage> {
  const { filter, order, cursor, limit } = query;
  refusePageSize(limit);
  const direction = order === 'oldest' ? 'ASC' : 'DESC';
  const page = runsMatching(dataSource, filter)
    .leftJoinAndMapOne('run.actor', ACTOR, 'actor', 'actor.id = run.actorId and actor.runId = run.id')
    .leftJoin(HISTORY, 'ended', "run.state = 'failed' and ended.runId = run.id and ended.seq = run.lastSeq")
    .addSelect(`left(cast(ended.payload as text), ${SUMMARY_LENGTH})`, 'failure')
    .orderBy('run.startedAt', direction)
    .addOrderBy('run.id', direction)
    .limit(limit + 1);
  if (cursor !== null) {
    const { startedAt, runId } = decodeCursor(cursor);
    page.andWhere(`(run.startedAt, run.id) ${order === 'oldest' ? '>' : '<'} (:startedAt, :runId)`, {
      startedAt: new Date(startedAt),
      runId,
    });
  }
  const { entities: found, raw } = await page.getRawAndEntities<{ readonly failure: string | null }>();
  // A run has one actor and one last entry at most: as many rows as runs, in one order.
  const runs = found
    .slice(0, limit)
    .map((run, i) => describeEntity(run as DescribedRun, raw[i]?.failure ?? null));
  const last = runs.at(-1);
  return { runs, next: last !== undefined && found.length > limit ? encodeCursor(last) : null };
}

export async function count(dataSource: DataSource, filter: RunFilter): Promise<number> {
  const row = await runsMatching(dataSource, filter).select('count(*)', 'runs').getRawOne<{ runs: string }>();
  return Number(row?.runs);
}

function runsMatching(dataSource: DataSource, filter: RunFilter): SelectQueryBuilder<Run> {
  refuseUnstorableFilter(filter);
  const { namespace, workflow, workflowId, state, startedAfter, startedBefore } = filter;
  const runs = dataSource
    .getRepository<Run>(RUN)
    .createQueryBuilder('run')
    .where('run.namespace = :namespace', { namespace });
  if (workflow !== undefined)
    runs.andWhere('run.workflow = any(:workflows)', { workflows: [workflow].flat() });
  if (workflowId !== undefined) runs.andWhere('run.workflowId = :workflowId', { workflowId });
  if (state !== undefined)
    runs.andWhere('run.state = any(:states)', { states: typeof state === 'string' ? [state] : state });
  if (filter.served === false) {
    // A session without a namespace is of an older release, and takes runs of every one.
    runs.andWhere(`run.state = 'running' and not exists (
      select from "${dataSource.getMetadata(WORKER).schema}".workers as worker
      cross join lateral json_to_recordset(worker.workflows) as served(name text, version int)
      where worker.dead_at is null
        and worker.expires_at > clock_timestamp()
        and (worker.namespace is null or worker.namespace = run.namespace)
        and served.name = run.workflow
        and served.version = run.version
    )`);
  }
  if (startedAfter !== undefined) {
    runs.andWhere('run.startedAt > :startedAfter', { startedAfter: new Date(startedAfter) });
  }
  if (startedBefore !== undefined) {
    runs.andWhere('run.startedAt < :startedBefore', { startedBefore: new Date(startedBefore) });
  }
  whereAttributes(runs, filter);
  return runs;
}
