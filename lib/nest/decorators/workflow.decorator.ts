import { Injectable, Scope } from '@nestjs/common';
import type { ScopeOptions } from '@nestjs/common';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { WorkflowClass, WorkflowContext, WorkflowOptions } from '../../core/index.js';
import { markWorkflow } from '../../core/index.js';
import { NEST_METADATA, WORKFLOW_SCOPE_METADATA } from '../continuum.constants.js';

// `any` below stands in positions that only infer: a constraint with `unknown` would refuse every class.
/* oxlint-disable typescript/no-explicit-any */

type RunParameters<C> = C extends abstract new (...dependencies: any[]) => {
  run: (...args: infer P) => unknown;
}
  ? P
  : never;

/**
 * Where a schema is given, `run` takes what it yields, and callers can give what it takes. No schema is `never`,
 * because without `strictNullChecks` everything would pass for `undefined`.
 */
type FitsSchema<C, S> = [S] extends [never]
  ? unknown
  : S extends StandardSchemaV1<infer In, infer Out>
    ? RunParameters<C> extends [] | [any]
      ? { 'run() takes no input, but a schema is given': never }
      : RunParameters<C> extends [any, (infer Input)?]
        ? InputFits<Input, In, Out>
        : never
    : unknown;
type InputFits<Input, In, Out> = unknown extends Input
  ? unknown
  : [Out] extends [Input]
    ? [Input] extends [In]
      ? unknown
      : { 'the schema transforms: let run() take what the schema takes, and transform in run()': In }
    : { 'run() does not take what the schema yields': Out };

export type WorkflowDecorator<S> = <
  C extends WorkflowClass<{ run(ctx: WorkflowContext, input: any): Promise<unknown> }>,
>(
  target: C & FitsSchema<C, S>,
) => void;

/**
 * Makes a class a workflow: `run` survives crashes, deploys and long waits. The class stands in the `providers` of a
 * module; each run gets an object of its own, whose fields are the state of that run.
 *
 * ```ts
 * @Workflow({ name: 'order', version: 1 })
 * export class OrderWorkflow {
 *   constructor(private readonly payments: PaymentActivities) {}
 *
 *   async run(ctx: WorkflowContext, order: Order): Promise<Receipt> {
 *     await ctx.sleep('1 hour');
 *     return this.payments.charge(order);
 *   }
 * }
 * ```
 *
 * The constructor may ask for providers with activities (they are injected as durable proxies of the run), for the
 * {@link WorkflowContext}, and for what is marked `@WorkflowSafe()`. Anything else is refused when the application
 * starts. Constructor and field initialisers are replayed like `run`.
 *
 * @param options name, version, input schema and rollback. Defaults to the name of the class, version 1, no schema,
 * automatic rollback.
 */
export function Workflow<S extends StandardSchemaV1 = never>(
  options: WorkflowOptions<S> = {},
): WorkflowDecorator<S> {
  return (target) => {
    const asked = Reflect.getOwnMetadata(NEST_METADATA.scope, target) as ScopeOptions | undefined;
    Reflect.defineMetadata(WORKFLOW_SCOPE_METADATA, asked?.scope, target);
    // Transient: Nest looks the dependencies up, but makes no instance of its own.
    Injectable({ scope: Scope.TRANSIENT })(target);
    markWorkflow(target, options);
  };
}
