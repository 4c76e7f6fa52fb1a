import type { CommandId } from '../history.js';
import { misuse } from '../misuse.js';
import { nameProblem } from '../names.js';
import { InvalidInputError } from '../reaching-errors.js';
import type { Signal } from '../types.js';
import type { ExternalHandle } from '../workflow-context.js';
import { refused } from './calls.js';
import { never, rejected } from './deferred.js';
import type { Execution } from './execution.js';
import { PendingMessage } from './pending-message.js';

/** Whom a message is for. `child`: only that child of this run. */
interface Target {
  readonly workflowId: string;
  readonly child: CommandId | null;
}

/** Sends a signal to another run, and resolves once that has it in its inbox. */
export function signalOther(
  run: Execution,
  target: Target,
  signal: Signal<unknown, unknown> | string,
  payload: unknown,
): Promise<unknown> {
  const name = typeof signal === 'string' ? signal : signal?.name;
  return send(run, target, `signal("${name}")`, name, payload);
}

/** Asks another run to cancel, and resolves once that has it in its inbox. */
export const cancelOther = (run: Execution, target: Target, reason?: string): Promise<unknown> =>
  send(run, target, 'cancel()', null, reason ?? null);

function send(
  run: Execution,
  { workflowId, child }: Target,
  what: string,
  name: string | null,
  value: unknown,
): Promise<unknown> {
  const call = `${what} to "${workflowId}"`;
  if (!run.admits(call)) return never();
  const scope = run.scope();
  if (scope.cancelledBy) return rejected(scope.cancelledBy.error());
  try {
    checkNames(workflowId, name);
    const { ledger } = run;
    const sent = ledger.recordOutward({
      type: 'message_sent',
      at: ledger.now,
      id: ledger.nextId,
      name,
      args: run.codec.encode(value),
      workflowId,
      child,
    });
    return sent === null ? never() : run.pending.add(new PendingMessage(scope, sent, call)).promise;
  } catch (error) {
    return refused(run, call, error);
  }
}

function checkNames(workflowId: string, name: string | null): void {
  const wrongId = nameProblem(workflowId);
  if (wrongId !== undefined) throw new InvalidInputError('the workflow id', [{ message: wrongId, path: [] }]);
  if (name === null) return;
  const wrongName = nameProblem(name);
  if (wrongName !== undefined) throw misuse(new TypeError(`The name of a signal ${wrongName}.`));
}

/** `ctx.external(Workflow, id)`. */
export class FoldExternal implements ExternalHandle {
  readonly workflowId: string;
  readonly #run: Execution;

  constructor(run: Execution, workflowId: string) {
    this.workflowId = workflowId;
    this.#run = run;
  }

  signal(signal: Signal<unknown, unknown> | string, ...args: readonly unknown[]): Promise<void> {
    return signalOther(this.#run, this.#target, signal, args[0]) as Promise<void>;
  }
  cancel(options?: { readonly reason?: string | undefined }): Promise<void> {
    return cancelOther(this.#run, this.#target, options?.reason) as Promise<void>;
  }

  get #target(): Target {
    return { workflowId: this.workflowId, child: null };
  }
}
