import type { Encoded, EncodedFailure } from '../history.js';

/** The outcome of a run, decided once (F16). */
export type Decision =
  | { readonly type: 'completed'; readonly result: Encoded }
  | { readonly type: 'failed'; readonly failure: EncodedFailure }
  | { readonly type: 'cancelled'; readonly failure: EncodedFailure };
