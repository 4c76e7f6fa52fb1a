import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import * as continuum from 'nestjs-continuum';
import { resolveContinuumOptions } from '../../lib/nest/continuum.options.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');
const filesIn = (folder: string, ending: string): string[] =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => join(folder, path));

const PAGES = [
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'sample/01-orders/README.md',
  'sample/02-subscriptions/README.md',
  ...filesIn('docs', '.md'),
];
/** What a page shows to be refused cannot be code that compiles. */
const SHOWS_REFUSALS = 'docs/durable-values.md';

/** Without what a page leaves out: indentation, empty lines, and words to the linter. */
function plain(code: string): string {
  return code
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('// oxlint-disable'))
    .join('\n');
}

function blocks(page: string, language: string): string[] {
  const fence = new RegExp(`^ *\`\`\`${language}\\n([^]*?)^ *\`\`\``, 'gm');
  return [...read(page).matchAll(fence)].map(([, code]) => code!);
}

/** As links name them. */
function headings(page: string): string[] {
  const texts = [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, text]) => text!.toLowerCase());
  return texts.map((text) => text.replaceAll(/[^\p{L}\p{N}\-_ ]/gu, '').replaceAll(' ', '-'));
}

const sources = [...filesIn('test/docs', '.ts'), 'test/journal/in-memory.spec.ts'].map((path) =>
  plain(read(path)),
);

describe('the code in the documentation', () => {
  it.each(PAGES.filter((page) => page !== SHOWS_REFUSALS))(
    'of %s stands in files that are compiled and run',
    (page) => {
      for (const block of blocks(page, 'ts')) {
        const found = sources.some((source) => source.includes(plain(block)));
        if (!found) throw new Error(`No file in test/docs has this:\n${block}`);
      }
    },
  );

  it('begins with one example of at most 40 lines', () => {
    const [example] = blocks('README.md', 'ts');
    expect(example).toContain('@Workflow');
    expect(example!.trimEnd().split('\n').length).toBeLessThanOrEqual(40);
  });
});

/** The examples in the doc comments of a file; what stands between two empty lines may stand in two places. */
function examples(path: string): string[] {
  const fences = read(path).matchAll(/^ *\* ```ts\n([^]*?)^ *\* ```$/gm);
  return [...fences].flatMap(([, code]) => code!.replaceAll(/^ *\* ?/gm, '').split(/\n\s*\n/));
}

/** Only the words and signs: a doc comment breaks lines where it reads best. */
const signs = (code: string): string => code.replaceAll(/\s+|,(?=\s*[)\]}])/g, '');

/** What the source of an example must contain; `…` stands for what a doc comment leaves out. */
function pattern(example: string): RegExp {
  const parts = signs(example).split('…');
  return new RegExp(parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('[^]*?'));
}

describe('the code in doc comments', () => {
  const compiled = filesIn('test/docs/examples/doc-comments', '.ts').map((path) => signs(read(path)));
  const commented = [...filesIn('lib', '.ts'), ...filesIn('migrations', '.ts')];
  const documented = commented.filter((path) => examples(path).length > 0);

  it('is found, for it stands between fences', () => {
    expect(documented.length).toBeGreaterThan(12);
    expect(commented.filter((path) => read(path).includes('* @example'))).toEqual([]);
  });

  it.each(documented)('of %s stands in files that are compiled', (path) => {
    for (const example of examples(path)) {
      if (!compiled.some((source) => pattern(example).test(source)))
        throw new Error(`No file in test/docs/examples/doc-comments has this:\n${example}`);
    }
  });
});

describe('the documentation', () => {
  it('has the glossary of the code, word for word', () => {
    const [, glossary] = /^ \* Glossary\n([^]*?)^ \*\//m.exec(read('lib/core/index.ts'))!;
    expect(read('README.md')).toContain(glossary!.replaceAll(/^ \* /gm, ''));
  });

  it.each(PAGES)('links from %s to files and headings that are there', (page) => {
    const links = [...read(page).matchAll(/\]\((?!https:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
    const broken = links.flatMap(([, path, heading]) => {
      const target = path ? join(dirname(page), path) : page;
      if (!existsSync(join(ROOT, target))) return [target];
      return heading && !headings(target).includes(heading) ? [`${target}#${heading}`] : [];
    });
    expect(broken).toEqual([]);
  });

  it('names every error, and every option of the module', () => {
    const isError = (value: unknown): boolean =>
      typeof value === 'function' && value.prototype instanceof Error;
    const errors = Object.entries(continuum).flatMap(([name, value]) => (isError(value) ? [name] : []));
    expect(errors.length).toBeGreaterThan(20);
    expect(errors.filter((name) => !read('docs/errors.md').includes(`\`${name}\``))).toEqual([]);
    // What there is, the refusal of what there is not says.
    const options: object = { connection: {}, nonsense: 1, worker: { nonsense: 1 } };
    let refusal = '';
    try {
      resolveContinuumOptions(options);
    } catch (error) {
      refusal = (error as Error).message;
    }
    const names = [...refusal.matchAll(/There are: (.*)\./g)].flatMap(([, list]) => list!.split(', '));
    expect(names.length).toBeGreaterThan(15);
    expect(names.filter((name) => !read('docs/module-options.md').includes(`\`${name}\``))).toEqual([]);
  });

  it('has everything on ctx, and every option of a workflow', () => {
    const page = read('docs/workflow-context.md');
    const members = [...read('lib/core/workflow-context.ts').matchAll(/^ {2}abstract (?:readonly )?(\w+)/gm)];
    const [, options] = /interface WorkflowOptions[^{]*\{([^]*?)^\}/m.exec(
      read('lib/core/workflow-descriptor.ts'),
    )!;
    const asked = [...members, ...options!.matchAll(/^ {2}readonly (\w+)/gm)].map(([, name]) => name!);
    expect(asked.length).toBeGreaterThan(20);
    expect(asked.filter((name) => !new RegExp(`\`${name}\\b`).test(page))).toEqual([]);
  });

  it('links from README.md to every page', () => {
    // What stands in docs/internals is for contributors, and is linked from its first page.
    const pages = filesIn('docs', '.md').filter((page) => !page.startsWith('docs/internals/'));
    expect(pages.length).toBeGreaterThan(10);
    for (const page of pages) expect(read('README.md')).toContain(`(${page})`);
  });
});
