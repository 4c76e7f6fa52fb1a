import { misuse } from '../misuse.js';
import type { WorkflowClass } from '../types.js';
import type { ContinuationOptions } from '../workflow-context.js';
import { describeWorkflow } from '../workflow-descriptor.js';
import { refused } from './calls.js';
import type { Continuation } from './decision.js';
import { never, rejected } from './deferred.js';
import type { Execution } from './execution.js';
import { timeLimit } from './time-limit.js';

const CALL = 'ctx.continueAsNew';

/** Decides the run at the call, and never settles (F16). In a cancelled scope it rejects like every call (F15). */
export function continueAsNew(
  run: Execution,
  type: WorkflowClass | null,
  input: unknown,
  options: ContinuationOptions | undefined,
): Promise<never> {
  if (!run.admits(CALL)) return never();
  const scope = run.scope();
  if (scope.cancelledBy) return rejected(scope.cancelledBy.error());
  try {
    const target = targetOf(run, type);
    const runLimit = limitIn(options);
    run.continueAs({ type: 'continued', ...target, input: run.codec.encode(input), runLimit });
  } catch (error) {
    return refused(run, CALL, error);
  }
  return never();
}

function targetOf(
  { definition }: Execution,
  type: WorkflowClass | null,
): Pick<Continuation, 'workflow' | 'aliases' | 'version'> {
  if (type === null) return { workflow: definition.name, aliases: definition.aliases, version: null };
  const described = describeWorkflow(type);
  if (described) return { workflow: described.name, aliases: described.aliases, version: described.version };
  throw misuse(
    new TypeError(
      `${CALL}: ${type.name || 'the class'} is no workflow. Decorate it with @Workflow(), or give the input alone to go on as the same workflow.`,
    ),
  );
}

function limitIn(options: ContinuationOptions = {}): number | null {
  const unknown = Object.keys(options).find((key) => key !== 'runTimeout');
  if (unknown === undefined) return timeLimit(CALL, 'runTimeout', options.runTimeout);
  throw misuse(new TypeError(`${CALL}: "${unknown}" is an unknown option. There is runTimeout.`));
}
