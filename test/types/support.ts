// Type parameters are what is tested here: they are used once on purpose.
/* oxlint-disable typescript/no-unnecessary-type-parameters */

/** `true` where two types are the same, also where one of them is `any`. */
export type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

/** Does not compile where the type argument is `false`: `is<Equal<typeof result, Receipt>>()`. */
export function is<T extends true>(): T {
  return true as T;
}
