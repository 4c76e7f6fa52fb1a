import { JournalError, type Unanswered } from '../errors.js';
import type { StartAnswer, StartRequest } from '../port/index.js';
import { toldDeadlines } from '../rules/deadlines.js';
import {
  type PolicyAnswer,
  REPLACED_BY_A_START,
  answerToConflict,
  answerToReuse,
} from '../rules/start-policies.js';
import { NOWHERE, numberArray, textArray, uuidArray, uuidOrNil } from './array-literals.js';
import { EntryArrays } from './entry-arrays.js';
import { toDeadlines } from './row-mapping.js';
import { isWorthAnotherTry } from './held-rows.js';
import { type StartFacts, lookUpStarts } from './sql/look-up-starts.js';
import { type StartRuns, startRuns, startRunsAsked } from './sql/start-runs.js';
import type { StatementRunner } from './statement.js';
import { terminateRun } from './terminate-runs.js';

/** Whether one statement can decide the start, because only a free workflow id matters. Everything else takes a transaction. */
export const isSimple = (request: StartRequest): boolean =>
  request.onConflict !== 'terminateExisting' && request.onReuse === 'allow' && !request.debounce;

/** One statement takes so many runs: what it joins them with in memory grows with the square of them. */
const RUNS_AT_ONCE = 200;

/** Neighbours that one statement can start together; the others each alone. All stay in their order. */
export function inPortions(requests: readonly StartRequest[]): readonly (readonly StartRequest[])[] {
  const portions: StartRequest[][] = [];
  for (const request of requests) {
    const last = portions.at(-1);
    if (last?.[0] !== undefined && last.length < RUNS_AT_ONCE && isSimple(request) && isSimple(last[0]))
      last.push(request);
    else portions.push([request]);
  }
  return portions;
}

/**
 * Starts runs of {@link isSimple simple} requests together, by statements that each are a transaction: what one of them has
 * started stays so when a later one fails, and is told.
 */
export async function startTogether(
  sql: StatementRunner,
  requests: readonly StartRequest[],
): Promise<readonly StartAnswer[]> {
  const answers = new Map<StartRequest, StartAnswer>();
  try {
    await startInto(answers, sql, requests);
  } catch (error) {
    if (answers.size === 0 || isWorthAnotherTry(error) || !(error instanceof JournalError)) throw error;
    for (const request of requests)
      if (!answers.has(request)) answers.set(request, { type: 'unanswered', error });
  }
  return requests.map((request) => answers.get(request) ?? unanswered(request));
}

/** The same within a caller's transaction: what fails takes everything back. */
export async function startWithin(
  sql: StatementRunner,
  requests: readonly StartRequest[],
): Promise<readonly StartAnswer[]> {
  const answers = new Map<StartRequest, StartAnswer>();
  await startInto(answers, sql, requests);
  return requests.map((request) => answers.get(request) ?? unanswered(request));
}

async function startInto(
  answers: Map<StartRequest, StartAnswer>,
  sql: StatementRunner,
  requests: readonly StartRequest[],
): Promise<void> {
  let open = requests;
  // A workflow id whose run ends between the insert and the look is free again: it is tried again.
  for (let tries = 0; open.length > 0 && tries < MAX_TRIES; tries++) {
    const born = await insert(sql, open);
    const missed = open.filter((request) => !born.has(request.runId));
    for (const request of open) {
      const answer = born.get(request.runId);
      if (answer !== undefined) answers.set(request, answer);
    }
    const facts = missed.length === 0 ? [] : await lookUp(sql, missed);
    missed.forEach((request, i) => {
      const answer = decide(request, facts[i]);
      if (answer !== null) answers.set(request, answer);
    });
    open = missed.filter((request) => !answers.has(request));
  }
}

/** Thrown to roll back what was written on trial. `answer` is another run's, or a refusal. */
export class StartRefused extends Error {
  override readonly name: string = 'StartRefused';
  constructor(readonly answer: PolicyAnswer) {
    super('The start is refused, and what was written on trial is rolled back.');
  }
}

/**
 * Starts one run by the policies that look at other runs, inside a transaction: terminates the open run where it may,
 * inserts, and then looks at the closed ones with a younger snapshot. After the insert no other run of the workflow id can
 * come into being, so what it sees is all there is.
 * Throws {@link StartRefused} where what was inserted must be rolled back.
 */
export async function startByPolicy(sql: StatementRunner, request: StartRequest): Promise<PlainAnswer> {
  const { runId, namespace, workflowId, onConflict, onReuse, by } = request;
  let terminated = false;
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const started = (await insert(sql, [request])).get(runId);
    const [facts] = await lookUp(sql, [request]);
    if (started !== undefined) {
      const { latest_run, latest_state } = facts ?? {};
      const refusal =
        !terminated && latest_run && latest_state ? answerToReuse(onReuse, latest_run, latest_state) : null;
      if (refusal !== null) throw new StartRefused(refusal);
      return started;
    }
    const answer = decide(request, facts);
    if (answer !== null) return answer;
    if (onConflict === 'terminateExisting' && facts?.open_run) {
      const reason = REPLACED_BY_A_START;
      const ended = await terminateRun(sql, { namespace, workflowId, runId: facts.open_run, reason, by });
      // One that had just ended by itself is a closed run as any other.
      terminated = ended.type === 'terminated';
    }
  }
  // What was terminated for it goes on.
  throw triedTooOften(request);
}

export const MAX_TRIES = 20;

/** Of a start that takes nobody's place. */
type PlainAnswer = Exclude<StartAnswer, { type: 'debounced' }>;

type Born = Extract<StartAnswer, { type: 'started' }>;

/** The runs that were started. */
async function insert(
  sql: StatementRunner,
  requests: readonly StartRequest[],
): Promise<ReadonlyMap<string, Born>> {
  const asked = requests.some(({ by }) => by != null);
  const bys = textArray(requests.map(({ by }) => by ?? null));
  const parameters = startParameters(requests);
  const rows = await (asked
    ? sql.run(startRunsAsked, { ...parameters, bys })
    : sql.run(startRuns, parameters));
  const ids = new Map(requests.map(({ runId }) => [runId as string, runId]));
  return new Map(
    rows.map((row) => [
      row.id,
      // Not undefined: it is one of those that were asked for.
      { type: 'started', runId: ids.get(row.id)!, token: row.token, ...toldDeadlines(toDeadlines(row)) },
    ]),
  );
}

async function lookUp(
  sql: StatementRunner,
  requests: readonly StartRequest[],
): Promise<readonly StartFacts[]> {
  return await sql.run(lookUpStarts, {
    ids: uuidArray(requests.map((request) => request.runId)),
    namespaces: textArray(requests.map((request) => request.namespace)),
    workflowIds: textArray(requests.map((request) => request.workflowId)),
  });
}

/** The answer to a start that inserted nothing; `null` where it is worth another try. */
function decide(request: StartRequest, facts: StartFacts | undefined): PlainAnswer | null {
  if (facts === undefined) return null;
  if (facts.repeated_token !== null) {
    const token = request.first === null ? 0 : Math.min(1, facts.repeated_token);
    const deadlines = toldDeadlines(toDeadlines(facts));
    return { type: 'started', runId: request.runId, token, ...deadlines };
  }
  if (facts.open_run === null) return null;
  return answerToConflict(request.onConflict, facts.open_run);
}

function startParameters(requests: readonly StartRequest[]): StartRuns {
  const entries = new EntryArrays();
  const entryRuns: string[] = [];
  for (const { runId, first } of requests) {
    first?.entries.forEach((entry, i) => {
      entryRuns.push(runId);
      entries.add(i + 1, entry);
    });
  }
  return {
    ids: uuidArray(requests.map((request) => request.runId)),
    namespaces: textArray(requests.map((request) => request.namespace)),
    workflowIds: textArray(requests.map((request) => request.workflowId)),
    workflows: textArray(requests.map((request) => request.workflow)),
    versions: numberArray(requests.map((request) => request.version)),
    priorities: numberArray(requests.map((request) => request.priority)),
    inputs: textArray(requests.map((request) => request.input)),
    startTimes: numberArray(requests.map((request) => request.startAt)),
    attributes: textArray(
      requests.map(({ attributes }) => (attributes === null ? null : JSON.stringify(attributes))),
    ),
    shown: requests.some(({ first }) => first?.shown)
      ? textArray(requests.map(({ first }) => (first?.shown ? JSON.stringify(first.shown) : null)))
      : NOWHERE,
    startDelays: limitArray(requests.map(({ startDelay }) => startDelay ?? null)),
    runLimits: limitArray(requests.map(({ limits }) => limits?.run ?? null)),
    chainLimits: limitArray(requests.map(({ limits }) => limits?.chain ?? null)),
    owners: textArray(requests.map(({ first }) => (first === null ? null : uuidOrNil(first.owner)))),
    entryRuns: uuidArray(entryRuns),
    ...entries.parameters,
  };
}

/** Most runs have none. */
const limitArray = (limits: readonly (number | null)[]): string =>
  limits.some((limit) => limit !== null) ? numberArray(limits) : NOWHERE;

/** Nothing was started. */
export const triedTooOften = (request: StartRequest): JournalError => unanswered(request).error;

const unanswered = ({ workflowId }: StartRequest): Unanswered & { readonly error: JournalError } => ({
  type: 'unanswered',
  error: new JournalError(
    `Runs of the workflow id "${workflowId}" start and end so quickly that none could be told to have it. Try again.`,
  ),
});
