import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { ActivityToken } from '../definitions.js';
import type { RunLimits } from '../history.js';
import { misuse } from '../misuse.js';
import { InvalidInputError } from '../reaching-errors.js';
import type { ChildOptions } from '../workflow-context.js';
import type { WorkflowDescriptor } from '../workflow-descriptor.js';
import { describeWorkflow } from '../workflow-descriptor.js';
import { isThenable } from './deferred.js';
import { timeLimit } from './time-limit.js';

/* What a call says of another workflow that the run starts: a child, or one that stands for itself. */

export function workflowOf(type: ActivityToken, what: string): WorkflowDescriptor {
  const workflow = typeof type === 'function' ? describeWorkflow(type) : undefined;
  if (workflow) return workflow;
  throw misuse(
    new TypeError(
      `${what}: ${type?.name ?? 'what it is given'} is no workflow. Give a class that has @Workflow().`,
    ),
  );
}

type LimitOptions = Pick<ChildOptions, 'executionTimeout' | 'runTimeout'>;

/** What the call says goes before what the class says. `null`: it has no limits. */
export function limitsFor(options: LimitOptions, ofClass: RunLimits, what: string): RunLimits | null {
  const run = timeLimit(what, 'runTimeout', options.runTimeout) ?? ofClass.run;
  const chain = timeLimit(what, 'executionTimeout', options.executionTimeout) ?? ofClass.chain;
  return run === null && chain === null ? null : { run, chain };
}

/** The schema of the other run's input is asked at the call, as part of the code: a replay asks it again. So it has to answer at once. */
export function checkedInput(schema: StandardSchemaV1 | undefined, input: unknown, name: string): unknown {
  if (!schema) return input;
  const result = schema['~standard'].validate(input);
  if (isThenable(result)) {
    throw misuse(
      new TypeError(
        `The schema of the input of ${name} answers with a promise, which nothing durable stands for. ` +
          'Use one that answers at once, or check the input in an activity.',
      ),
    );
  }
  if (!result.issues) return result.value;
  throw new InvalidInputError(
    `the input of ${name}`,
    result.issues.map(({ message, path }) => ({
      message,
      path: Array.from(path ?? [], (step) => (typeof step === 'object' ? step.key : step)),
    })),
  );
}
