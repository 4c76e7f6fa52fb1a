import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Signal } from './types.js';

/**
 * A signal that belongs to no class, typed for both ends: for `ctx.waitForSignal(Approved)` and
 * `handle.signal(Approved, { by: 'ann' })`.
 *
 * ```ts
 * export const Approved = defineSignal<{ by: string }>('approved');
 * ```
 *
 * @param name what the signal is sent and kept under
 * @throws TypeError for an empty name
 */
export function defineSignal<Payload = void>(name: string): Signal<Payload>;
/**
 * A signal whose payload is checked by a Standard Schema: when it is sent, or, where it was sent by its name alone, when
 * `ctx.waitForSignal(Approved)` is about to take it. Callers give what the schema takes, the workflow gets what it yields.
 *
 * ```ts
 * export const Rejected = defineSignal('rejected', z.object({ by: z.string() }));
 * ```
 *
 * @param name what the signal is sent and kept under
 * @param schema applied once, before the payload is recorded
 * @throws TypeError for an empty name
 */
export function defineSignal<S extends StandardSchemaV1>(
  name: string,
  schema: S,
): Signal<StandardSchemaV1.InferOutput<S>, StandardSchemaV1.InferInput<S>>;
export function defineSignal(name: string, schema?: StandardSchemaV1): Signal {
  if (typeof name !== 'string' || name === '') {
    throw new TypeError('A signal needs a name that is not empty: defineSignal("approved").');
  }
  return Object.freeze({ name, schema });
}
