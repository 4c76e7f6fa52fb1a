import { describeWorkflow } from '../core/index.js';
import type { Codec, Signal } from '../core/index.js';
import type { Message } from '../journal/index.js';
import { handlerOf } from './handlers.js';
import { checkName, validated } from './validation.js';

/** A class, where it is known. */
export type KnownClass = (abstract new (...dependencies: never[]) => object) | undefined;

/** What a signal is sent as, once everything is checked that is known of it here. */
export interface SignalContent extends Pick<Message, 'checkedBy'> {
  readonly name: string;
  readonly payload: string;
}

export async function signalContent(
  codec: Codec,
  type: KnownClass,
  signal: string | Signal,
  payload: unknown,
): Promise<SignalContent> {
  const { name, handler, schema } = schemasOf(type, signal);
  checkName('the name of a signal', name);
  const subject = `the payload of the signal "${name}"`;
  const value = await validated(handler, await validated(schema, payload, subject), subject);
  // What is not checked here is checked by the worker that takes it.
  return { name, payload: codec.encode(value), checkedBy: handler ? 'handler' : schema && 'signal' };
}

/** The schemas that are known here: of the signal itself, and of its handler. */
function schemasOf(
  type: KnownClass,
  signal: string | Signal,
): Pick<Signal, 'name' | 'schema'> & { readonly handler: Signal['schema'] } {
  const descriptor = type && describeWorkflow(type);
  if (typeof signal !== 'string') {
    return { name: signal.name, schema: signal.schema, handler: descriptor?.signals.get(signal.name) };
  }
  // A handle by class knows the handlers; a free-standing signal is given as the object `defineSignal` made.
  return { name: signal, schema: undefined, handler: handlerOf(descriptor, 'signal', signal) };
}
