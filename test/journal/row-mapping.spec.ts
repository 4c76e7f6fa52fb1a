import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { HistoryEntry } from '../../lib/core/index.js';
import { isStorableText } from '../../lib/core/index.js';
import { toColumns, toEntry } from '../../lib/journal/postgres/row-mapping.js';
import type { EntryColumns } from '../../lib/journal/postgres/row-mapping.js';
import { ENTRY_SAMPLES } from '../../lib/testing/journal-contract/entry-samples.js';
import { Chance, testSeed } from '../support/random.js';

const samples: readonly HistoryEntry[] = Object.values(ENTRY_SAMPLES).flatMap((of): HistoryEntry[] => [
  ...of,
]);
const rowOf = (columns: EntryColumns) => ({ seq: 1, ...columns });

describe('the rows of a history', () => {
  // Rows outlive every version that wrote them.
  const golden = JSON.parse(readFileSync(new URL('golden-rows.json', import.meta.url), 'utf8')) as readonly {
    readonly entry: HistoryEntry;
    readonly columns: EntryColumns;
  }[];

  it.each(golden)('are written and read as they always were: $entry.type', ({ entry, columns }) => {
    expect(toColumns(entry)).toStrictEqual(columns);
    expect(toEntry(rowOf(columns))).toStrictEqual(entry);
  });

  it('of a type that only newer versions know are read as far as that goes', () => {
    const columns = toColumns(samples[0]!);
    expect(toEntry({ ...rowOf(columns), type: 'run_paused' })).toEqual({
      type: 'run_paused',
      at: columns.at,
    });
  });
});

const seed = testSeed();
const chance = new Chance(seed);

describe(`any entry comes back as it was (seed ${seed})`, () => {
  const UNITS = ['a', 'ß', '🛒', '"', '\\', '\n', ' ', '{', '\u0000', '\ud800', '\udfff'];
  const anyText = (): string => Array.from({ length: chance.below(12) }, () => chance.pick(UNITS)).join('');
  /** Something else of the same kind; words stay what they are. */
  const another = (field: string, held: unknown): unknown => {
    if (typeof held === 'boolean')
      return field === 'checked' || field === 'interrupted' || field === 'forced' || chance.happens(0.5);
    if (typeof held === 'number') return chance.pick([0, 1, held, chance.below(2 ** 31)]);
    if (Array.isArray(held)) return Array.from({ length: chance.below(4) }, () => chance.below(1_000));
    return typeof held === 'string' && !['type', 'rollback', 'outcome', 'whose'].includes(field)
      ? anyText()
      : held;
  };
  const anyOf = (type: HistoryEntry['type']): HistoryEntry => {
    const like: readonly object[] = ENTRY_SAMPLES[type];
    const fields = Object.keys(chance.pick(like)).map((field) => {
      // Each field is as in some sample of the type: there for the one, null for another.
      const from = like.filter((sample) => field in sample);
      const held: unknown = Object.entries(chance.pick(from)).find(([key]) => key === field)?.[1];
      return [field, another(field, held)];
    });
    // The cast: samples are entries, and every field is one of theirs.
    return Object.fromEntries(fields) as HistoryEntry;
  };

  it.each(Object.keys(ENTRY_SAMPLES) as HistoryEntry['type'][])('%s', (type) => {
    for (let i = 0; i < 200; i++) {
      const entry = anyOf(type);
      const columns = toColumns(entry);
      const found = toEntry(rowOf(columns));
      expect(found).toStrictEqual(entry);
      expect(Object.keys(found)).toEqual(Object.keys(entry));
      // Postgres has no place for either of them.
      expect(isStorableText(`${columns.name}${columns.facts}`)).toBe(true);
    }
  });
});
