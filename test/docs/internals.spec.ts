import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path));

const PAGES = filesIn('docs/internals', '.md');
const code = filesIn('lib', '.ts').map(read).join('\n');

/** What stands between backticks, outside of code blocks. */
const terms = (page: string): string[] =>
  [
    ...read(page)
      .replaceAll(/^```[^]*?^```/gm, '')
      .matchAll(/`([^`\n]+)`/g),
  ].map(([, term]) => term!);

/** A method, a function, or something that is called by another name. */
const isDeclared = (name: string): boolean => new RegExp(`\\b${name}\\??(?:<[^\\n]*>)?\\s*[(=:]`).test(code);

describe('docs/internals', () => {
  it.each(PAGES)('%s names files that are there', (page) => {
    const paths = terms(page).filter((term) => /^(?:lib|test|migrations|scripts)\/[\w./-]*$/.test(term));
    expect(paths.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });

  it.each(PAGES)('%s names functions that are there', (page) => {
    const calls = terms(page).flatMap((term) => /^(?:\w+\.)*(\w+)\(\)$/.exec(term)?.[1] ?? []);
    expect(calls.filter((name) => !isDeclared(name))).toEqual([]);
  });

  it.each(PAGES)('%s names classes and constants that are there', (page) => {
    const names = terms(page).flatMap(
      (term) => /^([A-Z]\w*[a-z]\w*|[A-Z]+(?:_[A-Z]+)+)\b/.exec(term)?.[1] ?? [],
    );
    const unknown = names.filter((name) => !new RegExp(`\\b${name}\\b`).test(code));
    expect(unknown.filter((name) => !['OrderWorkflow', 'TypeError'].includes(name))).toEqual([]);
  });

  it('is linked from its first page, and that one from README.md and CONTRIBUTING.md', () => {
    const linked = ['docs/internals/architecture.md', 'docs/internals/decisions/README.md']
      .map(read)
      .join('\n');
    const others = PAGES.filter((page) => page !== 'docs/internals/architecture.md');
    expect(others.length).toBeGreaterThan(10);
    for (const page of others) expect(linked).toContain(page.slice(page.lastIndexOf('/') + 1));
    for (const page of ['README.md', 'CONTRIBUTING.md'])
      expect(read(page)).toContain('(docs/internals/architecture.md)');
  });
});

describe('the invariants', () => {
  const page = read('docs/internals/fold.md');
  const invariants = new Map(
    [...page.matchAll(/^\*\*(F\d+) [^]*?(?=^\*\*F|^#|$(?![^]))/gm)].map(([text, number]) => [number!, text]),
  );

  it('are all there: each number that the code or a spec cites', () => {
    const specs = filesIn('test', '.ts').filter((path) => !path.endsWith('internals.spec.ts'));
    const cited = new Set((code + specs.map(read).join('\n')).match(/\bF\d{1,2}\b/g));
    expect(cited.size).toBeGreaterThan(30);
    expect([...cited].filter((number) => !invariants.has(number))).toEqual([]);
  });

  it('say what breaks without them, and which spec shows it', () => {
    for (const [number, text] of invariants) {
      expect(text).toMatch(/ _Without it_ /);
      const [, shown] = / _Shown by_ (.*)/.exec(text) ?? [];
      const specs = [...(shown ?? '').matchAll(/`([^`]+)`/g)].map(([, spec]) =>
        spec!.includes('/') ? spec! : `test/core/fold/${spec}`,
      );
      expect(specs.length).toBeGreaterThan(0);
      const missing = specs.filter((spec) => !existsSync(join(ROOT, spec)));
      expect(missing).toEqual([]);
      const bears = specs.some(
        (spec) => !spec.endsWith('/') && new RegExp(`\\b${number}\\b`).test(read(spec)),
      );
      if (!bears) throw new Error(`None of ${specs.join(', ')} cites ${number}.`);
    }
  });

  it('have a name in fold.ts, too', () => {
    for (const text of invariants.values()) {
      const [, number, name] = /^\*\*(F\d+) ([^.*]+)\.\*\*/.exec(text)!;
      expect(read('lib/core/fold/fold.ts')).toMatch(new RegExp(`${number} +${name}\\b`, 'i'));
    }
  });
});
