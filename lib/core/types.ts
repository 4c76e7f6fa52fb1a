import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Stored } from './stored.js';
import type { WorkflowContext } from './workflow-context.js';

// `any` below stands in positions that only infer: a constraint with `unknown` would refuse every class.
/* oxlint-disable typescript/no-explicit-any */

/** What every workflow class has. */
export interface WorkflowRun<Input = any, Output = any> {
  run(ctx: WorkflowContext, input: Input): Promise<Output>;
}
export type WorkflowClass<W extends WorkflowRun = WorkflowRun> = abstract new (...dependencies: any[]) => W;

/** A class that is one activity. */
export interface ActivityExecute<Input = any, Output = any> {
  execute(input: Input, ...context: any[]): Promise<Output>;
}
export type ActivityClass<A extends ActivityExecute = ActivityExecute> = abstract new (
  ...dependencies: any[]
) => A;

type Method = (...args: any[]) => unknown;

/** The parameters after the first: `[]`, `[input]`, `[input?]`. */
type Rest<P extends unknown[]> = P extends [any, ...infer R] ? R : [];
type FirstOnly<P extends unknown[]> = P extends []
  ? []
  : P extends [infer F, ...any[]]
    ? [F]
    : P extends [(infer F)?, ...any[]]
      ? [F?]
      : P;

/** `[input, options?]`, or `[input?, options?]` where there is no input. */
type InputThen<I extends unknown[], Options> = I extends []
  ? [input?: undefined, options?: Options]
  : I extends [infer T]
    ? [input: T, options?: Options]
    : [input?: I[0], options?: Options];

export type WorkflowInput<W> = W extends { run: infer R extends Method } ? Rest<Parameters<R>>[0] : never;
/** What `run` returned, as it comes back: {@link Stored}. */
export type WorkflowResult<W> = unknown extends W
  ? unknown
  : W extends { run: infer R extends Method }
    ? Stored<Awaited<ReturnType<R>>>
    : never;
export type WorkflowArgs<W, Options> = unknown extends W
  ? [input?: unknown, options?: Options]
  : W extends { run: infer R extends Method }
    ? InputThen<Rest<Parameters<R>>, Options>
    : never;

/** The input of a run that a run of unknown class continues as: a class is none, for it is given with an input behind it. */
export type ContinuationInput<I> = I extends abstract new (...dependencies: any[]) => unknown ? never : I;

/** What `execute` returned, as it comes back: {@link Stored}. */
export type ActivityResult<A> = A extends { execute: infer E extends Method }
  ? Stored<Awaited<ReturnType<E>>>
  : never;
export type ActivityArgs<A, Options> = A extends { execute: infer E extends Method }
  ? InputThen<FirstOnly<Parameters<E>>, Options>
  : never;

/** The methods of a class that can be activities: those that promise. `Pick` keeps generics, overloads and documentation. */
export type Activities<T> = Pick<
  T,
  { [K in keyof T]: T[K] extends (...args: any[]) => Promise<unknown> ? K : never }[keyof T]
>;

// What a handle may ask, from the shapes the decorators insist on: a signal returns nothing, a query answers at once.
type Named<K> = K extends 'run' ? never : K extends string ? K : never;
export type SignalName<W> = unknown extends W
  ? string
  : {
      [K in keyof W]: W[K] extends Method
        ? [ReturnType<W[K]>] extends [void | Promise<void>]
          ? Named<K>
          : never
        : never;
    }[keyof W];
export type QueryName<W> = unknown extends W
  ? string
  : {
      [K in keyof W]: W[K] extends Method
        ? [ReturnType<W[K]>] extends [void | Promise<unknown>]
          ? never
          : Named<K>
        : never;
    }[keyof W];

/** Any method may be the handler of an update: which of them are, the decorators say at run time. */
export type UpdateName<W> = unknown extends W
  ? string
  : { [K in keyof W]: W[K] extends Method ? Named<K> : never }[keyof W];

type ParametersOf<W, K> = K extends keyof W
  ? W[K] extends Method
    ? Parameters<W[K]>
    : unknown[]
  : unknown[];
export type HandlerArgs<W, K, Options> = unknown extends W
  ? [payload?: unknown, options?: Options]
  : InputThen<FirstOnly<ParametersOf<W, K>>, Options>;
export type QueryArgs<W, K> = unknown extends W ? unknown[] : ParametersOf<W, K>;
export type HandlerResult<W, K> = unknown extends W
  ? unknown
  : K extends keyof W
    ? W[K] extends Method
      ? Stored<Awaited<ReturnType<W[K]>>>
      : unknown
    : unknown;

/** The branches of a race, by name: functions, so that each begins inside of it. */
export type RaceBranches = Readonly<Record<string, () => Promise<unknown>>>;
/** What a race came to: the name of the branch that settled first, and what it resolved to. */
export type RaceOutcome<B extends RaceBranches> = {
  [K in keyof B & string]: { readonly key: K; readonly value: Awaited<ReturnType<B[K]>> };
}[keyof B & string];

/** A signal that belongs to no class; made by `defineSignal`. */
export interface Signal<Payload = unknown, Sent = Payload> {
  readonly name: string;
  readonly schema?: StandardSchemaV1<Sent, Payload> | undefined;
  /** Types only. */
  readonly ' payload'?: Payload;
}
export type PayloadArgs<Sent, Options> = [Sent] extends [void]
  ? [payload?: undefined, options?: Options]
  : [payload: Sent, options?: Options];
export type SignalArgs<W, S, Options> =
  S extends Signal<any, infer Sent> ? PayloadArgs<Sent, Options> : HandlerArgs<W, S, Options>;
