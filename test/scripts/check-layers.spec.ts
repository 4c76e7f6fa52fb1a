import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { checkFile } from '../../scripts/check-layers.mjs';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What `oxlint -f json` prints, as far as it is read here. */
interface Report {
  readonly diagnostics: readonly {
    readonly filename: string;
    readonly code: string;
    readonly message: string;
    readonly help?: string;
  }[];
}

const ACCEPTED = [
  ['lib/core/a.ts', `import { b } from './b.js';`],
  ['lib/core/a.ts', `import { stringify } from 'devalue';`],
  ['lib/core/a.ts', `import type { StandardSchemaV1 } from '@standard-schema/spec';`],
  ['lib/core/a.ts', `export const at = (instant: number) => new Date(instant);`],
  ['lib/core/a.ts', `export const run = (process: () => void) => process();`],
  ['lib/core/a.ts', `export interface Worker { process: string }`],
  [
    'lib/journal/postgres/a.ts',
    `import { DataSource } from 'typeorm'; import type { Journal } from '../journal.js';`,
  ],
  [
    'lib/engine/a.ts',
    `import type { Journal } from '../journal/index.js'; import { x } from 'node:async_hooks';`,
  ],
  ['lib/nest/a.ts', `import { PostgresJournal } from '../journal/postgres/index.js';`],
  ['lib/testing/a.ts', `import { InMemoryJournal } from '../journal/in-memory/index.js';`],
  ['lib/index.ts', `export * from './nest/index.js'; export * from './journal/postgres/index.js';`],
  ['migrations/0001-first.ts', `import type { MigrationInterface } from 'typeorm';`],
] as const;

const REFUSED = [
  ['lib/core/a.ts', `import { Journal } from '../journal/journal.js';`, 'core may not import journal'],
  ['lib/core/a.ts', `import type { X } from 'node:events';`, "'node:events' import is restricted"],
  ['lib/core/a.ts', `export const now = () => Date.now();`, "'Date.now' is restricted"],
  ['lib/core/a.ts', `export const now = () => globalThis.Date.now();`, "'globalThis' is restricted"],
  ['lib/core/a.ts', `export const now = () => new Date();`, 'core may not use Date()'],
  ['lib/core/a.ts', `export const dice = () => Math.random();`, "'Math.random' is restricted"],
  ['lib/core/a.ts', `setTimeout(() => {}, 1);`, "use of 'setTimeout'"],
  ['lib/core/a.ts', `export const now = globalThis.setImmediate;`, "'globalThis' is restricted"],
  ['lib/core/a.ts', `export const env = process.env;`, "use of 'process'"],
  ['lib/engine/a.ts', `const c = await import('../client/client.js');`, 'engine may not import client'],
  ['lib/engine/a.ts', `export type X = import('../nest/x.js').X;`, 'engine may not import nest'],
  ['lib/engine/a.ts', `export { Run } from '../index.js';`, 'engine may not import the entry point'],
  ['lib/engine/a.ts', `import { x } from '../journal/postgres/x.js';`, 'use the port in lib/journal'],
  ['lib/journal/postgres/a.ts', `import { x } from '../in-memory/x.js';`, 'use the port in lib/journal'],
  ['lib/journal/index.ts', `export * from './postgres/index.js';`, 'use the port in lib/journal'],
  ['lib/wakeup/a.ts', `import pg from 'pg';`, 'Only lib/journal/postgres and migrations may import'],
  [
    'lib/client/a.ts',
    `import { Injectable } from '@nestjs/common';`,
    'Only lib/nest and lib/dashboard may import',
  ],
  ['lib/engine/a.ts', `import { x } from '../../test/x.js';`, 'outside lib/'],
  ['lib/nest/a.ts', `import { DataSource } from 'typeorm';`, 'Only lib/journal/postgres and migrations'],
  ['lib/journal/postgres/a.ts', `import 'rxjs';`, 'Only lib/nest and lib/dashboard may import'],
  ['lib/client/a.ts', `export const pg = await import('pg');`, 'Only lib/journal/postgres and migrations'],
  ['lib/misc/a.ts', ``, 'lib/misc is not a layer'],
] as const;

/** What the linter says of these files, by the text of the file: all of them in one go. */
function lint(
  files: readonly (readonly [file: string, text: string, rule?: string])[],
): Map<string, string[]> {
  const folder = mkdtempSync(join(tmpdir(), 'continuum-layers-'));
  try {
    copyFileSync(join(ROOT, '.oxlintrc.json'), join(folder, '.oxlintrc.json'));
    const texts = new Map<string, string>();
    for (const [index, [file, text]] of files.entries()) {
      const path = posix.join(dirname(file), `${index}-${basename(file)}`);
      mkdirSync(join(folder, dirname(path)), { recursive: true });
      writeFileSync(join(folder, path), text);
      texts.set(path, text);
    }
    const { stdout } = spawnSync(join(ROOT, 'node_modules/.bin/oxlint'), ['-f', 'json'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const found = new Map<string, string[]>();
    for (const { filename, code, message, help } of (JSON.parse(stdout) as Report).diagnostics) {
      if (!code.includes('no-restricted-')) continue;
      const text = texts.get(filename)!;
      found.set(text, [...(found.get(text) ?? []), `${message} ${help ?? ''}`]);
    }
    return found;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

describe('the layer rule', () => {
  let linted: Map<string, string[]>;
  beforeAll(() => {
    linted = lint([...ACCEPTED, ...REFUSED]);
  });
  const breachesOf = (file: string, text: string): string[] => [
    ...checkFile(file, text),
    ...(linted.get(text) ?? []),
  ];

  it.each(ACCEPTED)('accepts %s: %s', (file, text) => {
    expect(breachesOf(file, text)).toEqual([]);
  });

  it.each(REFUSED)('refuses %s: %s', (file, text, rule) => {
    const breaches = breachesOf(file, text);
    expect(breaches).toHaveLength(1);
    expect(breaches[0]).toContain(rule);
  });

  it('says where', () => {
    expect(checkFile('lib/core/a.ts', `const one = 1;\nimport '../engine/a.js';`)[0]).toMatch(
      /^lib\/core\/a\.ts:2 /,
    );
  });
});
