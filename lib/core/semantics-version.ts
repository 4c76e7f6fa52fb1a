/** The version of the rules of delivery and derivation that new runs are recorded under (F29). */
export const SEMANTICS_VERSION = 1;
