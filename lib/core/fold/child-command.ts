import { ChildDepthError } from '../errors.js';
import type { ChildStarted, CommandId, Instant } from '../history.js';
import type { Execution } from './execution.js';
import { RandomStream } from './random-stream.js';

/** How many runs may stand above one: a workflow that starts itself without end is stopped there. */
export const DEEPEST_CHILD = 50;

type Asked = Pick<ChildStarted, 'name' | 'version' | 'args'> &
  Partial<
    Pick<ChildStarted, 'workflowId' | 'parentClose' | 'confirms' | 'compensation' | 'undoes' | 'limits'>
  >;

/**
 * Records that a child is started, with the ids it gets: they follow from the run and the command, so that a second fold and a
 * turn that is taken again come to the same. `null` is drift. `aliases`: other names that its workflow may be recorded under.
 */
export function recordChild(run: Execution, asked: Asked, aliases?: readonly string[]): ChildStarted | null {
  const { ledger, identity } = run;
  const { nextId: id, now: at } = ledger;
  const started: ChildStarted = {
    type: 'child_started',
    at,
    id,
    name: asked.name,
    args: asked.args,
    version: asked.version,
    workflowId: asked.workflowId ?? `${identity.runId}:${id}`,
    runId: nextStartedRunId(run),
    parentClose: asked.parentClose ?? 'cancel',
    confirms: asked.confirms ?? false,
    compensation: asked.compensation ?? null,
    undoes: asked.undoes ?? null,
    ...(asked.limits && { limits: asked.limits }),
  };
  return ledger.recordOutward(started, aliases);
}

/** Throws {@link ChildDepthError} where the run is as deep as one may be. */
export function refuseDeeper(run: Execution): void {
  const depth = run.ledger.progress.lineage?.depth ?? 0;
  if (depth < DEEPEST_CHILD) return;
  throw new ChildDepthError(
    `A child may have ${DEEPEST_CHILD} runs above it, and this run, "${run.identity.workflowId}", has ${depth} already. ` +
      'Does a workflow start itself without end? Use a loop, or start independent runs by a client in an activity.',
    DEEPEST_CHILD,
  );
}

/** Of a run that this one starts by its next command. */
export const nextStartedRunId = ({ ledger, identity, seed }: Execution): string =>
  runIdOf(seed ?? identity.runId, ledger.nextId, ledger.now);

/** A UUID (v7): its time is that of the event, all else of it follows from the seed of the run and the command. */
function runIdOf(seed: string, id: CommandId, at: Instant): string {
  const time = Math.floor(at).toString(16).padStart(12, '0').slice(-12);
  const random = new RandomStream(`${seed}\0child\0${id}`).uuid();
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(15)}`;
}
