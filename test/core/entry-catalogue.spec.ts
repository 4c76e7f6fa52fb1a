import { describe, expect, it } from '@jest/globals';
import {
  bytesOf,
  ENTRY_SHAPES,
  ENTRY_TYPES,
  isCommand,
  isEvent,
  isKnownEntry,
  isNote,
  isTerminal,
} from '../../lib/core/index.js';
import type { EntryField, HistoryEntry } from '../../lib/core/index.js';
import { ENTRY_SAMPLES } from '../../lib/testing/journal-contract/entry-samples.js';

// What the catalogue cannot say wrong does not compile, see test/types/entry-catalogue.ts. Here is the rest.

const samples: readonly HistoryEntry[] = Object.values(ENTRY_SAMPLES).flatMap((of): HistoryEntry[] => [
  ...of,
]);

describe('the catalogue of entries', () => {
  it.each(samples)('puts $type in one class', (entry) => {
    expect([isEvent, isCommand, isNote].filter((isOfClass) => isOfClass(entry))).toHaveLength(1);
    expect(isTerminal(entry)).toBe(isCommand(entry) && ENTRY_SHAPES[entry.type].class === 'terminal');
    expect(isKnownEntry(entry)).toBe(true);
  });

  it('puts what only a newer version knows in no class', () => {
    const entry = { type: 'run_paused', at: 1, id: 0 } as unknown as HistoryEntry;
    expect([isEvent, isCommand, isNote, isTerminal, isKnownEntry].map((is) => is(entry))).not.toContain(true);
  });

  it.each(ENTRY_TYPES)('gives %s no more than there is room for', (type) => {
    const parts = Object.values(ENTRY_SHAPES[type].fields).map(({ part }: EntryField) => part);
    for (const part of ['command', 'name', 'payload'] as const)
      expect(parts.filter((other) => other === part).length).toBeLessThanOrEqual(1);
  });

  it.each(samples)('has the fields of $type in the order of the entry', (entry) => {
    const fields = Object.keys(ENTRY_SHAPES[entry.type].fields);
    const present = fields.filter((field) => field in entry);
    expect(Object.keys(entry)).toEqual(['type', 'at', ...present]);
  });

  it('has a command that starts and an event that ends each kind of work', () => {
    const works = ENTRY_TYPES.map((type) => ENTRY_SHAPES[type]);
    const types = new Set(works.flatMap(({ work }) => (work === null ? [] : [work.type])));
    for (const type of types) {
      const classes = (effect: string): readonly string[] =>
        works.filter(({ work }) => work?.type === type && work.effect === effect).map(({ class: of }) => of);
      expect(classes('starts')).toEqual(['command']);
      expect(classes('ends')).toContain('event');
    }
  });
});

describe('what an entry weighs', () => {
  const LARGE = 75_000_000;
  const large = 'x'.repeat(LARGE);
  /** Texts that are words of ours, and not of any length. */
  const WORDS = new Set(['type', 'rollback', 'order', 'unanswered', 'parentClose', 'mode', 'whose', 'why']);

  /** Options of a call are written in its code; ids and names have a limit of their own. */
  const SMALL = new Set(['start', 'options', 'lineage', 'compensation']);

  /** The entry with one of its texts made large: once for each. */
  const enlarged = (entry: object): readonly object[] =>
    Object.entries(entry).flatMap(([field, held]: [string, unknown]): readonly object[] => {
      if (WORDS.has(field) || held === 'failed' || held === 'cancelled' || held === 'timed_out') return [];
      if (typeof held === 'string') return [{ ...entry, [field]: large }];
      return typeof held === 'object' && held !== null && !SMALL.has(field) && !Array.isArray(held)
        ? enlarged(held).map((inner) => ({ ...entry, [field]: inner }))
        : [];
    });

  it.each(samples.filter((entry) => enlarged(entry).length > 0))(
    'counts every text of $type that can be large',
    (entry) => {
      for (const heavy of enlarged(entry)) expect(bytesOf(heavy as HistoryEntry)).toBeGreaterThan(LARGE);
    },
  );

  it('counts a long list', () => {
    const abandoned = Array.from({ length: 100_000 }, (_, id) => id);
    const entry: HistoryEntry = { type: 'run_completed', at: 1, result: '1', abandoned, unreadSignals: 0 };
    expect(bytesOf(entry)).toBeGreaterThan(JSON.stringify(abandoned).length);
  });

  it('counts a row even where nothing is in it', () => {
    expect(bytesOf({ type: 'rollback_cleared', at: 1 })).toBeGreaterThan(0);
  });
});
