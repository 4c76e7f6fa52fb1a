import type { StandardSchemaV1 } from '@standard-schema/spec';
import { handlerMarks } from '../../core/index.js';
import type { TakesWhatTheSchemaYields } from './schema-yields.js';

// `any` below stands in positions that only infer: a constraint with `unknown` would refuse every method.
/* oxlint-disable typescript/no-explicit-any */

export interface OnSignalOptions<S extends StandardSchemaV1 = StandardSchemaV1> {
  /**
   * A Standard Schema for the payload, applied once: when the signal is sent, or, where its sender does not know the class,
   * when the run takes it up; what does not fit is then refused with a note in the history, and the run goes on. The handler
   * gets what it yields.
   * Defaults to no validation.
   */
  readonly input?: S | undefined;
}

type ReturnOf<F> = F extends (...args: any[]) => infer R ? R : never;
type AnswersNothing<F> =
  ReturnOf<F> extends void | Promise<void> ? unknown : { 'a signal handler returns nothing': never };
export type SignalHandlerDecorator = <F extends (payload: any) => void | Promise<void>>(
  target: object,
  method: string,
  descriptor: TypedPropertyDescriptor<F> & AnswersNothing<F>,
) => void;
export type CheckedSignalHandlerDecorator<In, Out> = <F extends (payload: any) => void | Promise<void>>(
  target: object,
  method: string,
  descriptor: TypedPropertyDescriptor<F> & AnswersNothing<F> & TakesWhatTheSchemaYields<F, In, Out>,
) => void;

/**
 * Makes a method of a workflow the handler of the signal of the same name. It takes one payload, returns nothing,
 * and may do durable work. Signals are handled once each, in the order they arrived; an error it throws fails the
 * run.
 *
 * ```ts
 * @OnSignal() approve(by: string): void { this.approvedBy = by; }
 * ```
 *
 * Send it with `handle.signal('approve', 'ann')`.
 */
export function OnSignal(): SignalHandlerDecorator;
/**
 * Makes a method of a workflow the handler of the signal of the same name, whose payload is checked, whoever sends it.
 *
 * ```ts
 * @OnSignal({ input: z.string().min(1) }) approve(by: string): void { this.approvedBy = by; }
 * ```
 *
 * @param options `input`: a Standard Schema for the payload
 */
export function OnSignal<S extends StandardSchemaV1>(
  options: OnSignalOptions<S> & { readonly input: S },
): CheckedSignalHandlerDecorator<StandardSchemaV1.InferInput<S>, StandardSchemaV1.InferOutput<S>>;
export function OnSignal(options: OnSignalOptions = {}) {
  return (target: object, method: string): void =>
    handlerMarks.add(target, method, { kind: 'signal', options });
}
