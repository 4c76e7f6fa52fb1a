import { attributesProblem } from '../core/index.js';
import type { AttributeValue } from '../core/index.js';
import type { AttributeCondition, RunFilter } from '../journal/index.js';
import { invalid } from './validation.js';

/**
 * What an attribute has to be: a value, or one of several, or within bounds.
 *
 * ```ts
 * const late = await workflows.list({
 *   where: { attributes: { stage: { in: ['paid', 'packed'] }, due: { lt: today.toISOString() } } },
 * });
 * ```
 *
 * Numbers are compared with numbers and texts with texts, by their code points: write times as `date.toISOString()`.
 */
export type AttributeFilter = AttributeValue | AttributeBounds;

/** All of them hold. An attribute that is an object with such names can be asked for by `{ in: [object] }`. */
export interface AttributeBounds {
  readonly in?: readonly AttributeValue[] | undefined;
  readonly gt?: string | number | undefined;
  readonly gte?: string | number | undefined;
  readonly lt?: string | number | undefined;
  readonly lte?: string | number | undefined;
}

const SIGNS = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;
const isBound = (key: string): key is keyof typeof SIGNS => Object.hasOwn(SIGNS, key);

/** Throws {@link InvalidInputError} for what no attribute can be compared with. */
export function attributeFilter(
  wanted: Readonly<Record<string, unknown>> | undefined,
): Pick<RunFilter, 'attributes' | 'conditions'> {
  const attributes: Record<string, unknown> = {};
  const conditions: AttributeCondition[] = [];
  for (const [name, value] of Object.entries(wanted ?? {})) {
    if (hasBounds(value)) conditions.push(...conditionsOf(name, value));
    else attributes[name] = value;
  }
  return { attributes, conditions };
}

/** Throws {@link InvalidInputError} for more than a run can have. That they are plain JSON is for the journal to see. */
export function checkAttributes(attributes: unknown): void {
  if (attributes === undefined) return;
  if (typeof attributes !== 'object' || attributes === null) {
    throw invalid('the option "attributes"', 'must be an object');
  }
  let problem: string | null = null;
  try {
    // The cast: an object has names and values.
    problem = attributesProblem(attributes as Record<string, unknown>);
  } catch {
    // What cannot be written as JSON the journal refuses, and tells where it stands.
  }
  if (problem !== null) throw invalid('the option "attributes"', problem);
}

function hasBounds(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  return Object.keys(value).some((key) => key === 'in' || isBound(key));
}

function conditionsOf(name: string, bounds: object): AttributeCondition[] {
  const subject = `the attribute "${name}" of a filter`;
  return Object.entries(bounds).flatMap(([key, value]: [string, unknown]): AttributeCondition[] => {
    if (value === undefined) return [];
    if (key === 'in') {
      if (!Array.isArray(value)) throw invalid(subject, '"in" must be a list of values');
      return [{ name, is: 'in', values: value as readonly unknown[] }];
    }
    if (!isBound(key)) {
      throw invalid(
        subject,
        `"${key}" is an unknown bound. There are in, gt, gte, lt, lte. For an attribute that is such an object write { in: [object] }`,
      );
    }
    if (typeof value !== 'string' && !(typeof value === 'number' && Number.isFinite(value))) {
      throw invalid(subject, `"${key}" must be a number or a text; of a date take toISOString()`);
    }
    return [{ name, is: SIGNS[key], value }];
  });
}
