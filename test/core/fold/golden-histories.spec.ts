import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HistoryEntry } from '../../../lib/core/index.js';
import { SEMANTICS_VERSION } from '../../../lib/core/index.js';
import { guardProcess } from '../../../lib/engine/process/process-guard.js';
import { CALLBACK_EVENTS, CALLBACK_PROGRAMS } from '../../support/callbacks-kit.js';
import {
  CHILD_EVENTS,
  CHILD_PROGRAMS,
  MESSAGE_EVENTS,
  MESSAGE_PROGRAMS,
  START_EVENTS,
  START_PROGRAMS,
} from '../../support/children-kit.js';
import { drive, refold } from '../../support/fold-kit.js';
import { compile, randomProgram, render } from '../../support/random-program.js';
import { live, RandomWorld } from '../../support/random-world.js';

/*
 * Histories that were recorded once, with the programs that wrote them. Whatever the fold becomes, and on whatever
 * version of Node: they replay strictly to the state they had (F29). They are never recorded anew for a semantics
 * version; a new version gets a file of its own: CONTINUUM_RECORD_HISTORIES=1 npx jest golden-histories
 */
interface Golden {
  readonly seed: number;
  readonly compensation: 'automatic' | 'manual';
  readonly source: string;
  readonly history: readonly HistoryEntry[];
  readonly snapshot: unknown;
}

interface Collection {
  readonly name: string;
  readonly holds: (source: string, history: readonly HistoryEntry[]) => boolean;
}

/** A file for each. What came later than a version has a file of its own, too. */
const COLLECTIONS: readonly Collection[] = [
  { name: 'random-programs', holds: () => true },
  { name: 'races', holds: (source) => source.includes('ctx.race(') },
  { name: 'maps', holds: (source) => source.includes('ctx.map(') },
  { name: 'sagas', holds: (source) => source.includes('ctx.saga(') },
  { name: 'patches', holds: (source) => source.includes('ctx.patched(') },
  { name: 'updates', holds: (_, history) => history.some(({ type }) => type === 'update_answered') },
];
const fileOf = ({ name }: Collection): URL =>
  new URL(`../../histories/${name}-v${SEMANTICS_VERSION}.json`, import.meta.url);
const SHAPE = { run: [], handler: [], handlerCatches: true, cleansUp: false };

/** Of two thousand programs the ones with most in them, of every ending. */
async function record({ holds }: Collection): Promise<Golden[]> {
  const all: { readonly ending: string; readonly golden: Golden }[] = [];
  for (let seed = 1; seed <= 2_000; seed++) {
    const program = randomProgram(seed);
    const source = render(program);
    const world = new RandomWorld(seed);
    const { history, fold } = await live(compile(program, world.outside, source), world);
    if (!holds(source, history)) continue;
    if (fold.fault || history.length > 110) continue;
    const { compensation } = program;
    const ending = fold.progress.closed?.type ?? 'open';
    all.push({ ending, golden: { seed, compensation, source, history, snapshot: fold.snapshot() } });
  }
  const longest = (ending: string): Golden[] =>
    all
      .flatMap((candidate) => (candidate.ending === ending ? [candidate.golden] : []))
      .toSorted((a, b) => b.history.length - a.history.length)
      .slice(0, 4);
  return ['run_completed', 'run_failed', 'run_cancelled', 'open'].flatMap((ending) => longest(ending));
}

describe('golden histories', () => {
  let release: () => void;
  let limit: number;
  beforeAll(async () => {
    release = guardProcess();
    limit = Error.stackTraceLimit;
    Error.stackTraceLimit = 0;
    if (process.env['CONTINUUM_RECORD_HISTORIES']) {
      for (const collection of COLLECTIONS.filter((one) => !existsSync(fileOf(one)))) {
        const lines = (await record(collection)).map((golden) => JSON.stringify(golden));
        await writeFile(fileOf(collection), `[\n${lines.join(',\n')}\n]\n`, { flag: 'wx' });
      }
    }
  });
  afterAll(() => {
    Error.stackTraceLimit = limit;
    release();
  });

  it.each([
    ['children', CHILD_PROGRAMS, CHILD_EVENTS],
    ['messages', MESSAGE_PROGRAMS, MESSAGE_EVENTS],
    ['starts', START_PROGRAMS, START_EVENTS],
    ['callbacks', CALLBACK_PROGRAMS, CALLBACK_EVENTS],
  ] as const)('F29: those of %s replay strictly, to the state they had', async (kind, programs, events) => {
    const file = new URL(`../../histories/${kind}-v${SEMANTICS_VERSION}.json`, import.meta.url);
    if (process.env['CONTINUUM_RECORD_HISTORIES'] && !existsSync(file)) {
      const lines = await Promise.all(
        Object.entries(programs).map(async ([name, program]) => {
          const { history, fold } = await drive(program, events[name]!);
          return JSON.stringify({ name, history, snapshot: fold.snapshot() });
        }),
      );
      await writeFile(file, `[\n${lines.join(',\n')}\n]\n`, { flag: 'wx' });
    }
    const all = JSON.parse(await readFile(file, 'utf8')) as readonly (Pick<Golden, 'history' | 'snapshot'> & {
      readonly name: string;
    })[];
    expect(all.map(({ name }) => name)).toEqual(Object.keys(programs));
    for (const { name, history, snapshot } of all) {
      const fold = await refold(programs[name]!, history);
      expect([name, fold.fault, fold.seq]).toEqual([name, null, history.length]);
      expect(JSON.parse(JSON.stringify(fold.snapshot()))).toMatchObject(snapshot as object);
    }
  });

  it.each(COLLECTIONS)('F29: $name replay strictly, to the state they had', async (collection) => {
    const all = JSON.parse(await readFile(fileOf(collection), 'utf8')) as readonly Golden[];
    expect(all).toHaveLength(16);
    for (const { seed, compensation, source, history, snapshot } of all) {
      const definition = compile({ ...SHAPE, seed, compensation }, () => Number.NaN, source);
      const fold = await refold(definition, history);
      expect([seed, fold.fault, fold.seq]).toEqual([seed, null, history.length]);
      expect(JSON.parse(JSON.stringify(fold.snapshot()))).toMatchObject(snapshot as object);
    }
  });
});
