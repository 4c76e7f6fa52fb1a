/** Names of workflows and of signals, workflow ids and dedupe ids have at most this many bytes in UTF-8. */
export const LONGEST_NAME_BYTES = 255;

/** The rule that a name breaks: `must have 1 to 255 bytes, but has 0`. `undefined` for a name that the journal can hold. */
export function nameProblem(name: unknown): string | undefined {
  if (typeof name !== 'string') return `must be a text, but is ${shown(name)}`;
  const bytes = utf8BytesOf(name);
  if (bytes === 0 || bytes > LONGEST_NAME_BYTES) {
    return `must have 1 to ${LONGEST_NAME_BYTES} bytes, but has ${bytes}`;
  }
  if (!isStorableText(name)) {
    return 'must have neither \\u0000 nor half of a surrogate pair';
  }
  return undefined;
}

/** Whether a database keeps the text as it is. JSON text can always be kept: it escapes what is not. */
export const isStorableText = (text: string): boolean =>
  !text.includes('\u0000') && !/\p{Surrogate}/u.test(text);

/** The nearest text that a database keeps. */
export const storableText = (text: string): string =>
  text.replaceAll('\u0000', '\uFFFD').replaceAll(/\p{Surrogate}/gu, '\uFFFD');

/** In UTF-8, where half of a surrogate pair is replaced by U+FFFD. */
export function utf8BytesOf(text: string): number {
  let bytes = 0;
  for (const character of text) {
    const point = character.codePointAt(0)!;
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x1_00_00 ? 3 : 4;
  }
  return bytes;
}

/** What has a name, and names that it had before and is still known by in what is stored. */
export interface Named {
  readonly name: string;
  readonly aliases?: readonly string[] | undefined;
}

/** Every name that it is known by, its own first. */
export const namesOf = ({ name, aliases = [] }: Named): readonly string[] => [name, ...aliases];

/** Whether something stored under this name means it. */
export const isNamed = ({ name, aliases }: Named, asked: string): boolean =>
  name === asked || aliases?.includes(asked) === true;

const shown = (value: unknown): string =>
  typeof value === 'object' && value !== null
    ? 'an object'
    : typeof value === 'function'
      ? 'a function'
      : String(value);
