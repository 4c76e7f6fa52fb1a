import type { Journal } from '../../lib/journal/index.js';

/** What happens instead of a verb, or around it. `real` is the journal's own. */
export type Detour<V extends keyof Journal> = (
  real: Journal[V],
  ...args: Parameters<Journal[V]>
) => ReturnType<Journal[V]>;

/** A journal whose verbs a test can detour: to fail, to wait, to count. Everything else is the journal's own. */
export function scriptedJournal(journal: Journal): {
  readonly journal: Journal;
  /** Takes the next `times` calls of a verb; without a number, all of them. */
  readonly detour: <V extends keyof Journal>(verb: V, detour: Detour<V>, times?: number) => void;
} {
  const detours = new Map<PropertyKey, { detour: (...args: never[]) => unknown; left: number }>();
  const scripted = new Proxy(journal, {
    get(target, verb) {
      const own: unknown = Reflect.get(target, verb);
      if (typeof own !== 'function') return own;
      const real = own.bind(target) as (...args: never[]) => unknown;
      return (...args: never[]) => {
        const found = detours.get(verb);
        if (!found || found.left <= 0) return real(...args);
        found.left--;
        return Reflect.apply(found.detour, undefined, [real, ...args]) as unknown;
      };
    },
  });
  return {
    journal: scripted,
    detour(verb, detour, times = Number.POSITIVE_INFINITY) {
      detours.set(verb, { detour, left: times });
    },
  };
}
