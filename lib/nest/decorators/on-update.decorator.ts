import type { StandardSchemaV1 } from '@standard-schema/spec';
import { handlerMarks } from '../../core/index.js';
import type { TakesWhatTheSchemaYields } from './schema-yields.js';

// `any` below stands in positions that only infer: a constraint with `unknown` would refuse every method.
/* oxlint-disable typescript/no-explicit-any */

export interface OnUpdateOptions<S extends StandardSchemaV1 = StandardSchemaV1> {
  /**
   * A Standard Schema for the payload, applied once: when the update is asked for, or, where its sender does not know the
   * class, when the run takes it up. The handler and the validator get what it yields.
   * Defaults to no validation.
   */
  readonly input?: S | undefined;
}

export type UpdateHandlerDecorator = <F extends (payload: any) => unknown>(
  target: object,
  method: string,
  descriptor: TypedPropertyDescriptor<F>,
) => void;
export type CheckedUpdateHandlerDecorator<In, Out> = <F extends (payload: any) => unknown>(
  target: object,
  method: string,
  descriptor: TypedPropertyDescriptor<F> & TakesWhatTheSchemaYields<F, In, Out>,
) => void;

/**
 * Makes a method of a workflow the handler of the update of the same name. It takes one payload, answers what it returns, and
 * may do durable work. Updates and signals are handled once each, in the order they arrived; an error it throws is its
 * caller's, and the run goes on.
 *
 * ```ts
 * @OnUpdate() async changePlan(plan: string): Promise<number> { … }
 * ```
 *
 * Ask for it with `const price = await handle.update('changePlan', 'pro')`.
 */
export function OnUpdate(): UpdateHandlerDecorator;
/**
 * Makes a method of a workflow the handler of the update of the same name, whose payload is checked, whoever sends it.
 *
 * ```ts
 * @OnUpdate({ input: z.enum(['basic', 'pro']) }) async changePlan(plan: 'basic' | 'pro'): Promise<number> { … }
 * ```
 *
 * @param options `input`: a Standard Schema for the payload
 */
export function OnUpdate<S extends StandardSchemaV1>(
  options: OnUpdateOptions<S> & { readonly input: S },
): CheckedUpdateHandlerDecorator<StandardSchemaV1.InferInput<S>, StandardSchemaV1.InferOutput<S>>;
export function OnUpdate(options: OnUpdateOptions = {}) {
  return (target: object, method: string): void =>
    handlerMarks.add(target, method, { kind: 'update', options });
}
