import type { StandardSchemaV1 } from '@standard-schema/spec';
import { callbackToken, isCallbackToken } from '../callback-token.js';
import type { Duration } from '../duration.js';
import { misuse } from '../misuse.js';
import { nameProblem } from '../names.js';
import { InvalidInputError } from '../reaching-errors.js';
import { isObject } from '../values/tags.js';
import type { Callback, CallbackOptions } from '../workflow-context.js';
import { startTimer } from './calls.js';
import type { Execution } from './execution.js';
import { InertCallError } from './execution.js';
import { PendingCallback } from './pending-callback.js';

/**
 * `ctx.callback`: opens it at the call, so that its token can be passed on at once. It answers at once, and so throws where other
 * durable calls reject.
 */
export function callback(run: Execution, options: CallbackOptions & WithSchema = {}): Callback {
  run.demand(CALL);
  const scope = run.scope();
  if (scope.cancelledBy) throw scope.cancelledBy.error();
  checkOptions(options);
  const { key = null, timeout, schema } = options;
  const { ledger, identity } = run;
  const opened = ledger.recordOutward({
    type: 'callback_opened',
    at: ledger.now,
    id: ledger.nextId,
    name: key,
  });
  if (opened === null) throw new InertCallError(`${CALL}: the turn is over, nothing more counts.`);
  const pending = run.pending.add(new PendingCallback(run, scope, opened, schema));
  if (timeout !== undefined) endAfter(run, pending, timeout);
  const { namespace, workflowId, runId } = identity;
  const token = callbackToken({ namespace, workflowId, runId, id: opened.id });
  return { key, token, result: pending.promise };
}

interface WithSchema {
  readonly schema?: StandardSchemaV1 | undefined;
}

const CALL = 'ctx.callback';
const OPTIONS: ReadonlySet<string> = new Set(['key', 'timeout', 'schema']);

function endAfter(run: Execution, pending: PendingCallback, timeout: Duration): void {
  try {
    pending.timer = startTimer(run, pending.scope, 'callback', timeout, () => pending.runOut());
  } catch (error) {
    // What is no duration. Nobody gets its token.
    run.pending.delete(pending);
    run.withdrawCallback(pending.id);
    throw error;
  }
}

function checkOptions(options: CallbackOptions): void {
  if (!isObject(options)) throw misuse(new TypeError(`${CALL}: what it is given is no object of options.`));
  const unknown = Object.keys(options).find((name) => !OPTIONS.has(name));
  if (unknown !== undefined) {
    throw misuse(
      new TypeError(`${CALL}: "${unknown}" is an unknown option. There are ${[...OPTIONS].join(', ')}.`),
    );
  }
  const { key } = options;
  const problem = key === undefined ? undefined : (nameProblem(key) ?? looksLikeToken(key));
  if (problem !== undefined)
    throw new InvalidInputError(`the option "key" of ${CALL}`, [{ message: problem, path: [] }]);
}

/** Whoever has the one or the other gives it to the same call. */
const looksLikeToken = (key: string): string | undefined =>
  isCallbackToken(key) ? 'must not begin as a token of a callback does' : undefined;
