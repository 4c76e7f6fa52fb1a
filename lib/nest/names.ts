import type { Named } from '../core/index.js';
import { nameProblem, namesOf } from '../core/index.js';

/** What is wrong with the option `aliases` of something with this name; `null` for nothing. Code without types can hand over anything. */
export function aliasesProblem(aliases: unknown, name: string): string | null {
  if (aliases === undefined) return null;
  if (!Array.isArray(aliases)) return '"aliases" is a list of the names that it had before.';
  const seen = new Set<unknown>();
  for (const alias of aliases as readonly unknown[]) {
    const problem = nameProblem(alias);
    if (problem !== undefined) return `a name of "aliases" ${problem}.`;
    if (alias === name)
      return `"${name}" is its name already, and "aliases" are the names that it had before.`;
    if (seen.has(alias)) return `"aliases" has "${String(alias)}" twice.`;
    seen.add(alias);
  }
  return null;
}

/** Something with names, one of which something else has as well. */
export interface Claimed<T> {
  readonly name: string;
  readonly by: readonly [T, T];
}

/** Names of which two different things claim one, each name once: one of both has it as an alias. */
export function contested<T>(things: readonly T[], namedOf: (thing: T) => Named): readonly Claimed<T>[] {
  const owners = new Map<string, T>();
  const found = new Map<string, Claimed<T>>();
  for (const thing of things) {
    const named = namedOf(thing);
    for (const name of namesOf(named)) {
      const owner = owners.get(name);
      if (owner === undefined) owners.set(name, thing);
      // Of one name are two things that are told of elsewhere, or versions of one.
      else if (namedOf(owner).name !== named.name) found.set(name, { name, by: [owner, thing] });
    }
  }
  return [...found.values()];
}
