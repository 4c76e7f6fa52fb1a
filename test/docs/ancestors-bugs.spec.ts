import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const LIST = 'test/ancestors-bugs.md';

interface Item {
  readonly number: string;
  readonly says: string;
  /** The lines below it. */
  readonly tells: readonly string[];
}

/** The items of a page, under the headings that they stand under. */
function itemsOf(page: string): ReadonlyMap<string, readonly Item[]> {
  const sections = page.split(/^## /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [heading = '', ...rest] = section.split('\n');
      const items = rest.join('\n').split(/^- /m).slice(1);
      return [heading, items.map(itemOf)];
    }),
  );
}

function itemOf(text: string): Item {
  const [head = '', ...below] = text.split(/^ {2}- /m).map((part) => part.replaceAll(/\s+/g, ' ').trim());
  const [, number = head, says = ''] = /^\*\*([^*]+)\*\* (.*)$/.exec(head) ?? [];
  return { number, says, tells: below };
}

const CITED = /^`([\w-]+\/[\w./-]+\.ts)`: “([^”]+)”$/;
const EXPLAINED = /^Cannot happen: \w.{20,}\.$/;
const AWAITED = /^Comes with \*\*[\w ]+\*\*(?: and \*\*[\w ]+\*\*)?: the test must show .{20,}\.$/;
const pathOf = (path: string): string =>
  path.startsWith('topics/') ? `lib/testing/journal-contract/${path}` : `test/${path}`;

/** Whether a test or a group of tests has this title, which its file writes as one text. */
function isThere(file: string, title: string): boolean {
  if (!existsSync(join(ROOT, file))) return false;
  const code = readFileSync(join(ROOT, file), 'utf8');
  return ["'", '"', '`'].some((quote) => {
    const at = code.indexOf(`${quote}${title}${quote}`);
    // `it(`, or the end of what `it.each(` was given.
    return at > 0 && /\((?:\s*)$/.test(code.slice(0, at));
  });
}

/** What is wrong with an item: each test that is not there, and each line that tells nothing. */
function troubleOf({ number, says, tells }: Item): readonly string[] {
  const trouble = tells.flatMap((line) => {
    const [, path, title] = CITED.exec(line) ?? [];
    if (path !== undefined) return isThere(pathOf(path), title!) ? [] : [`${path} has no test “${title}”`];
    return EXPLAINED.test(line) || AWAITED.test(line) ? [] : [`"${line}" is nothing`];
  });
  if (tells.length === 0) trouble.push('nothing is told of it');
  if (says.length < 20) trouble.push('it does not say what went wrong');
  return trouble.map((text) => `${number}: ${text}`);
}

const upTo = (letter: string, count: number): readonly string[] =>
  Array.from({ length: count }, (_, i) => `${letter}${i + 1}`);
const NUMBERS: Readonly<Record<string, readonly string[]>> = {
  'Continuum for Elixir: found and mended there': upTo('A', 64),
  'Continuum for Elixir: still there': upTo('B', 24),
  'Strav’s durable workflows': upTo('', 15),
  Sayiir: [...upTo('', 14), ...upTo('H', 12)],
};

describe('the list of what went wrong in others', () => {
  const sections = itemsOf(readFileSync(join(ROOT, LIST), 'utf8'));

  it('has every number once', () => {
    expect([...sections.keys()]).toEqual(Object.keys(NUMBERS));
    for (const [heading, items] of sections) {
      // 14.2 is the second of those that share a number.
      const numbers = items.map(({ number }) => number).filter((number) => !number.includes('.'));
      expect(numbers).toEqual(NUMBERS[heading]);
    }
  });

  it.each(Object.keys(NUMBERS))('names tests that are there, or says why there is none: %s', (heading) => {
    expect(sections.get(heading)?.flatMap(troubleOf)).toEqual([]);
  });

  it('notices what is not so', () => {
    const file = 'core/small-map.spec.ts';
    const trouble = (...tells: readonly string[]): readonly string[] =>
      troubleOf({ number: 'X1', says: 'Something went wrong somewhere.', tells });
    expect(trouble(`\`${file}\`: “does what a Map does, with none, one and many entries”`)).toEqual([]);
    expect(trouble('`core/no-such.spec.ts`: “does what a Map does”')).toHaveLength(1);
    // A text of the file, and no title; and half of a title.
    expect(trouble(`\`${file}\`: “@jest/globals”`)).toHaveLength(1);
    expect(trouble(`\`${file}\`: “does what a Map”`)).toHaveLength(1);
    expect(trouble('It is fine.')).toEqual(['X1: "It is fine." is nothing']);
    expect(trouble()).toEqual(['X1: nothing is told of it']);
  });
});
