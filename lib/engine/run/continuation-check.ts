import { InvalidContinuationError, textOf } from '../../core/index.js';
import type { CarriedSignal, Codec, Encoded, WorkflowDefinition } from '../../core/index.js';
import type { InboxMessage } from '../../journal/index.js';
import { readContinuation, writeContinuation } from './continuation.js';
import type { CarriedCancel } from './continuation.js';
import type { SchemaVerdict } from './signal-checks.js';

/** A signal that came along, and that the schema of a handler refuses which only the next run has. */
export interface RefusedSignal {
  readonly name: string;
  readonly issues: Encoded;
}

/** A start as the schemas would have it, and what is to be fed behind it. */
export interface CheckedContinuation {
  readonly start: InboxMessage;
  readonly refused: readonly RefusedSignal[];
  readonly cancel: CarriedCancel | null;
}

type Check = (
  subject: string,
  schema: WorkflowDefinition['input'],
  payload: Encoded,
) => Promise<SchemaVerdict>;

/**
 * Applies the schemas of the workflow that a run continues as, before its first event: to its input, and to signals that it
 * has a handler for and that nobody had taken before. The run that it continues knew the schemas of its own class only. What
 * they yield is recorded, and no replay asks them again (F34).
 *
 * Throws {@link InvalidContinuationError} for an input that does not fit: the run is blocked, as by any other mistake of
 * the code, and nothing of it is lost.
 */
export async function checkContinuation(
  { input: schema, name, version, signalInputs }: WorkflowDefinition,
  start: InboxMessage,
  codec: Codec,
  check: Check,
): Promise<CheckedContinuation> {
  // Who continues writes a payload.
  const { input, signals, cancel = null } = readContinuation(start.payload!);
  const verdict = await check(`input of ${name}`, schema, input);
  if (verdict.type === 'refused')
    throw new InvalidContinuationError(name, version, textOf(codec.decode(verdict.issues)));
  const kept: CarriedSignal[] = [];
  const refused: RefusedSignal[] = [];
  for (const signal of signals) {
    const handled = await check(`signal "${signal.name}"`, signalInputs?.get(signal.name), signal.payload);
    if (handled.type === 'refused') refused.push({ name: signal.name, issues: handled.issues });
    else kept.push({ ...signal, payload: handled.payload });
  }
  const payload = writeContinuation({ input: verdict.payload, signals: kept });
  return { start: { ...start, payload }, refused, cancel };
}
