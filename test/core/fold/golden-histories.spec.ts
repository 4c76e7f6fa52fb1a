import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { HistoryEntry } from '../../../lib/core/index.js';
import { SEMANTICS_VERSION } from '../../../lib/core/index.js';
import { guardProcess } from '../../../lib/engine/process-guard.js';
import { refold } from '../../support/fold-kit.js';
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

const FILE = new URL(`../../histories/random-programs-v${SEMANTICS_VERSION}.json`, import.meta.url);
const SHAPE = { run: [], handler: [], handlerCatches: true, cleansUp: false };

/** Of some hundred programs the ones with most in them, of every ending. */
async function record(): Promise<Golden[]> {
  const all: { readonly ending: string; readonly golden: Golden }[] = [];
  for (let seed = 1; seed <= 400; seed++) {
    const program = randomProgram(seed);
    const source = render(program);
    const world = new RandomWorld(seed);
    const { history, fold } = await live(compile(program, world.outside, source), world);
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
      const lines = (await record()).map((golden) => JSON.stringify(golden));
      await writeFile(FILE, `[\n${lines.join(',\n')}\n]\n`, { flag: 'wx' });
    }
  });
  afterAll(() => {
    Error.stackTraceLimit = limit;
    release();
  });

  it('F29: replay strictly, to the state they had', async () => {
    const all = JSON.parse(await readFile(FILE, 'utf8')) as readonly Golden[];
    expect(all).toHaveLength(16);
    for (const { seed, compensation, source, history, snapshot } of all) {
      const definition = compile({ ...SHAPE, seed, compensation }, () => Number.NaN, source);
      const fold = await refold(definition, history);
      expect([seed, fold.fault, fold.seq]).toEqual([seed, null, history.length]);
      expect(JSON.parse(JSON.stringify(fold.snapshot()))).toMatchObject(snapshot as object);
    }
  });
});
