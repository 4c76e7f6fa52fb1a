import { handlerMarks } from '../../core/index.js';

// `any` below stands in positions that only infer: a constraint with `unknown` would refuse every method.
/* oxlint-disable typescript/no-explicit-any */

type AnswersAtOnce<F> = F extends (...args: any[]) => infer R
  ? [R] extends [Promise<unknown>]
    ? { 'a query answers at once: it returns no promise': never }
    : [R] extends [void]
      ? { 'a query returns its answer': never }
      : unknown
  : never;

export type QueryHandlerDecorator = <F extends (...args: any[]) => unknown>(
  target: object,
  method: string,
  descriptor: TypedPropertyDescriptor<F> & AnswersAtOnce<F>,
) => void;

/**
 * Makes a method of a workflow the answer to the query of the same name. It answers at once from the fields of the
 * run, changes nothing and calls nothing durable.
 *
 * ```ts
 * @OnQuery() status(): string { return this.approvedBy ? 'approved' : 'waiting'; }
 * ```
 *
 * Ask it with `handle.query('status')`.
 */
export function OnQuery(): QueryHandlerDecorator {
  return (target: object, method: string): void => handlerMarks.add(target, method, { kind: 'query' });
}
