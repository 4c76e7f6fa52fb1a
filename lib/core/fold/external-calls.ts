import type { CommandId, MessageSent } from '../history.js';
import { misuse } from '../misuse.js';
import { nameProblem } from '../names.js';
import { InvalidInputError } from '../reaching-errors.js';
import type { Signal, WorkflowClass } from '../types.js';
import type { ExternalHandle, ExternalStartOptions } from '../workflow-context.js';
import { refused } from './calls.js';
import { nextStartedRunId } from './child-command.js';
import { never, rejected } from './deferred.js';
import type { Execution } from './execution.js';
import { PendingMessage } from './pending-message.js';
import { checkedInput, limitsFor, workflowOf } from './started-workflow.js';

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
  return send(run, target, `signal("${name}")`, { name, value: payload });
}

/** What is sent, and who is started with it where no run is open. */
interface Sent {
  readonly name: string | null;
  readonly value: unknown;
  readonly start?: Start;
}
interface Start {
  readonly type: WorkflowClass;
  readonly input: unknown;
  readonly options: ExternalStartOptions | undefined;
}

/** Asks another run to cancel, and resolves once that has it in its inbox. */
export const cancelOther = (run: Execution, target: Target, reason?: string): Promise<unknown> =>
  send(run, target, 'cancel()', { name: null, value: reason ?? null });

function send(
  run: Execution,
  { workflowId, child }: Target,
  what: string,
  { name, value, start }: Sent,
): Promise<unknown> {
  const call = `${what} to "${workflowId}"`;
  if (!run.admits(call)) return never();
  const scope = run.scope();
  if (scope.cancelledBy) return rejected(scope.cancelledBy.error());
  try {
    checkNames(workflowId, name);
    const { ledger } = run;
    const { aliases, ...startable } = start ? startOf(run, start) : NOBODY_STARTED;
    const message = {
      type: 'message_sent',
      at: ledger.now,
      id: ledger.nextId,
      name,
      args: run.codec.encode(value),
      workflowId,
      child,
      ...startable,
    } as const;
    const sent = ledger.recordOutward<MessageSent>(message, aliases);
    return sent === null ? never() : run.pending.add(new PendingMessage(scope, sent, call)).promise;
  } catch (error) {
    return refused(run, call, error);
  }
}

/** The run that is started: its id is drawn by the command, so that a second delivery of it is noticed. */
function startOf(run: Execution, { type, input, options = {} }: Start): Startable {
  const { name: workflow, aliases, version, input: schema, limits } = workflowOf(type, WITH_START);
  const unknown = Object.keys(options).find((key) => !START_OPTIONS.has(key));
  if (unknown !== undefined) {
    throw misuse(
      new TypeError(
        `${WITH_START}: "${unknown}" is an unknown option. There are ${[...START_OPTIONS].join(', ')}.`,
      ),
    );
  }
  const own = limitsFor(options, limits, WITH_START);
  return {
    start: { runId: nextStartedRunId(run), workflow, version, ...(own && { limits: own }) },
    input: run.codec.encode(checkedInput(schema, input, workflow)),
    aliases,
  };
}

type Startable = Pick<MessageSent, 'start' | 'input'> & { readonly aliases?: readonly string[] | undefined };
const NOBODY_STARTED: Startable = {};
const WITH_START = 'signalWithStart';
const START_OPTIONS: ReadonlySet<string> = new Set(['executionTimeout', 'runTimeout']);

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
  readonly #type: WorkflowClass;

  constructor(run: Execution, type: WorkflowClass, workflowId: string) {
    this.workflowId = workflowId;
    this.#run = run;
    this.#type = type;
  }

  signal(signal: Signal<unknown, unknown> | string, ...args: readonly unknown[]): Promise<void> {
    return signalOther(this.#run, this.#target, signal, args[0]) as Promise<void>;
  }
  signalWithStart(
    input: unknown,
    signal: Signal<unknown, unknown> | string,
    ...args: readonly unknown[]
  ): Promise<void> {
    const name = typeof signal === 'string' ? signal : signal?.name;
    // The two optional parameters that every form of the arguments has.
    const [value, options] = args as readonly [unknown?, ExternalStartOptions?];
    const start = { type: this.#type, input, options };
    return send(this.#run, this.#target, `${WITH_START}("${name}")`, { name, value, start }) as Promise<void>;
  }
  cancel(options?: { readonly reason?: string | undefined }): Promise<void> {
    return cancelOther(this.#run, this.#target, options?.reason) as Promise<void>;
  }

  get #target(): Target {
    return { workflowId: this.workflowId, child: null };
  }
}
