import type { Encoded, EncodedFailure } from '../history.js';

/** The outcome of a run, decided once (F16). */
export type Decision =
  | { readonly type: 'completed'; readonly result: Encoded }
  | { readonly type: 'failed'; readonly failure: EncodedFailure }
  | { readonly type: 'cancelled' | 'timed_out'; readonly failure: EncodedFailure }
  | Continuation;

/** Nothing is undone, and nothing waits for what is in flight: as with a run that completes. */
export const endsWell = ({ type }: Decision): boolean => type === 'completed' || type === 'continued';

/** The run goes on as another one (`ctx.continueAsNew`). */
export interface Continuation {
  readonly type: 'continued';
  readonly workflow: string;
  /** Other names that the workflow may be recorded under. */
  readonly aliases?: readonly string[] | undefined;
  /** `null`: the newest that is served when it continues. */
  readonly version: number | null;
  readonly input: Encoded;
  /** How long each run may take from here on, in ms. `null`: as long as this one. */
  readonly runLimit: number | null;
}

/** Whom a run continues as: drawn and chosen anew for every turn, and then recorded. */
export interface Successor {
  readonly runId: string;
  readonly version: number;
}
export type ChooseSuccessor = (workflow: string, version: number | null) => Successor;
