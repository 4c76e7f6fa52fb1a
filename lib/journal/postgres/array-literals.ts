import { isStorableText } from '../../core/index.js';
import { JournalRefusedError } from '../errors.js';
import { isUuid } from '../rules/ids.js';

// Two rows a step, tens of thousands of steps a second: the driver's own way from arrays to text, which quotes and
// scans every number and id, would cost several times what all the rest of this adapter does per row. An array of
// JSON is an array of Postgres but for its brackets, and JSON.stringify is the quickest writer there is.

/** For integers and for fractions, which need a `float8[]` on the other side. */
export const numberArray = (values: readonly (number | null)[]): string => braced(JSON.stringify(values));

export const booleanArray = (values: readonly boolean[]): string => `{${values.join(',')}}`;

/**
 * An array that has nothing, beside others of one `unnest`: it gives nulls there. Most turns and entries have nothing in some of
 * their columns, and need not say so one by one.
 */
export const NOWHERE = '{}';

/** Flags, beside other arrays of one `unnest`. A null there stands for `false`, see {@link NOWHERE}. */
export const flagArray = (values: readonly boolean[]): string =>
  values.includes(true) ? booleanArray(values) : NOWHERE;

/** Of ids that are known to be UUIDs, see {@link uuidOrNil}: nothing in them has to be quoted. */
export const uuidArray = (values: readonly string[]): string => `{${values.join(',')}}`;

/** For text of any kind, JSON too. Throws {@link JournalRefusedError} for what Postgres cannot store as text. */
export function textArray(values: readonly (string | null)[]): string {
  const json = JSON.stringify(values);
  // Both write \" and \\ alike. What JSON escapes beyond that, Postgres would take for the bare letter.
  return JSON_ONLY_ESCAPES.test(json) ? `{${values.map(quoted).join(',')}}` : braced(json);
}

const JSON_ONLY_ESCAPES = /\\[bfnrtu]/;
const braced = (json: string): string => `{${json.slice(1, -1)}}`;

function quoted(text: string | null): string {
  if (text === null) return 'NULL';
  if (!isStorableText(text)) {
    throw new JournalRefusedError(
      `Postgres stores neither \\u0000 nor half of a surrogate pair as text; ${JSON.stringify(text.slice(0, 60))} has one. ` +
        `JSON text must escape them.`,
    );
  }
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

const NIL = '00000000-0000-0000-0000-000000000000';

/** An id that is no UUID, as Postgres writes them, belongs to nothing, as the nil UUID does. */
export const uuidOrNil = (id: string): string => (isUuid(id) ? id : NIL);
