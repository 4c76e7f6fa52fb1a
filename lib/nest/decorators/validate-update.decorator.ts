import { handlerMarks } from '../../core/index.js';

// `any` below stands in positions that only infer: a constraint with `unknown` would refuse every method.
/* oxlint-disable typescript/no-explicit-any */

type AnswersAtOnce<F> = F extends (...args: any[]) => infer R
  ? [R] extends [Promise<unknown>]
    ? { 'a validator answers at once: it returns no promise': never }
    : unknown
  : never;
type TakesThePayloadOf<F, U> = F extends (payload: infer P) => unknown
  ? U extends (payload: infer Q) => unknown
    ? [Q] extends [P]
      ? unknown
      : { 'the validator does not take what the update takes': Q }
    : never
  : never;

export type UpdateValidatorDecorator<N extends string> = <
  T extends Readonly<Record<N, (payload: any) => unknown>>,
  F extends (payload: any) => unknown,
>(
  target: T,
  method: string,
  descriptor: TypedPropertyDescriptor<F> & AnswersAtOnce<F> & TakesThePayloadOf<F, T[N]>,
) => void;

/**
 * Makes a method of a workflow look at the updates of a name before they are accepted. It sees the run as everything before the
 * update has left it, only reads, answers at once, and throws to refuse: then nothing has changed, the history has no entry of
 * it, and whoever asked gets `UpdateRefusedError` with what was thrown.
 *
 * ```ts
 * @ValidateUpdate('changePlan') protected checkPlan(_plan: string): void {
 *   if (this.cancelled) throw new Error('The subscription has ended.');
 * }
 * ```
 *
 * @param update the name of a method that is marked with `@OnUpdate()`
 */
export function ValidateUpdate<N extends string>(update: N): UpdateValidatorDecorator<N> {
  return (target: object, method: string): void =>
    handlerMarks.add(target, method, { kind: 'validator', update });
}
