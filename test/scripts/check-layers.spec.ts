import { describe, expect, it } from '@jest/globals';
import { checkFile } from '../../scripts/check-layers.mjs';

describe('the layer check', () => {
  it.each([
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
  ])('accepts %s: %s', (file, text) => {
    expect(checkFile(file, text)).toEqual([]);
  });

  it.each([
    ['lib/core/a.ts', `import { Journal } from '../journal/journal.js';`, 'core may not import journal'],
    ['lib/core/a.ts', `import type { X } from 'node:events';`, 'core may not import node:events'],
    ['lib/core/a.ts', `export const now = () => Date.now();`, 'core may not use Date.now'],
    ['lib/core/a.ts', `export const now = () => globalThis.Date.now();`, 'core may not use Date.now'],
    ['lib/core/a.ts', `export const now = () => new Date();`, 'core may not use new Date()'],
    ['lib/core/a.ts', `export const dice = () => Math.random();`, 'core may not use Math.random'],
    ['lib/core/a.ts', `setTimeout(() => {}, 1);`, 'core may not use setTimeout'],
    ['lib/core/a.ts', `export const now = globalThis.setImmediate;`, 'core may not use setImmediate'],
    ['lib/core/a.ts', `export const env = process.env;`, 'core may not use process'],
    ['lib/engine/a.ts', `const c = await import('../client/client.js');`, 'engine may not import client'],
    ['lib/engine/a.ts', `export type X = import('../nest/x.js').X;`, 'engine may not import nest'],
    ['lib/engine/a.ts', `export { Run } from '../index.js';`, 'engine may not import the entry point'],
    ['lib/engine/a.ts', `import { x } from '../journal/postgres/x.js';`, 'use the port in lib/journal'],
    ['lib/journal/postgres/a.ts', `import { x } from '../in-memory/x.js';`, 'use the port in lib/journal'],
    ['lib/journal/index.ts', `export * from './postgres/index.js';`, 'use the port in lib/journal'],
    ['lib/wakeup/a.ts', `import pg from 'pg';`, 'pg may be imported in lib/journal/postgres'],
    ['lib/client/a.ts', `import { Injectable } from '@nestjs/common';`, '@nestjs/common may be imported in'],
    ['lib/engine/a.ts', `import { x } from '../../test/x.js';`, 'outside lib/'],
    ['lib/misc/a.ts', ``, 'lib/misc is not a layer'],
  ])('refuses %s: %s', (file, text, rule) => {
    const breaches = checkFile(file, text);
    expect(breaches).toHaveLength(1);
    expect(breaches[0]).toContain(rule);
  });

  it('says where', () => {
    expect(checkFile('lib/core/a.ts', `const one = 1;\nimport 'pg';`)[0]).toMatch(/^lib\/core\/a\.ts:2 /);
  });
});
