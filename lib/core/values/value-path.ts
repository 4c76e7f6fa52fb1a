import { isObject } from './tags.js';

/** A property name, an index, or the text of another step, for instance into a Map. */
export type Step = string | number | (() => string);

/** Longer paths are shown by both their ends. */
const LONGEST = 24;
const LONGEST_NAME = 100;

/** `$.items[2].callback`, `$["odd name"]`, `$.byId.get("a")`. */
export function renderPath(steps: readonly Step[]): string {
  const half = LONGEST / 2;
  const shown =
    steps.length <= LONGEST
      ? steps.map(render)
      : [...steps.slice(0, half).map(render), ' … ', ...steps.slice(-half).map(render)];
  return `$${shown.join('')}`;
}

/** The step into a Map by this key. */
export function intoMap(key: unknown): () => string {
  return () => `.get(${typeof key === 'string' ? quote(key) : isObject(key) ? '{…}' : String(key)})`;
}

function render(step: Step): string {
  if (typeof step === 'function') return step();
  if (typeof step === 'number') return `[${step}]`;
  return /^[a-z_$][\w$]*$/i.test(step) && step.length <= LONGEST_NAME ? `.${step}` : `[${quote(step)}]`;
}

function quote(name: string): string {
  return JSON.stringify(name.length > LONGEST_NAME ? `${name.slice(0, LONGEST_NAME)}…` : name);
}
