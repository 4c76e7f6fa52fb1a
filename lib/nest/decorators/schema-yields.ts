/** That a handler takes what its schema yields, and that callers who see the handler give what the schema takes. */
export type TakesWhatTheSchemaYields<F, In, Out> = F extends (payload: infer P) => unknown
  ? unknown extends P
    ? unknown
    : [Out] extends [P]
      ? [P] extends [In]
        ? unknown
        : { 'callers could not give what the schema takes': In }
      : { 'the method does not take what the schema yields': Out }
  : never;
