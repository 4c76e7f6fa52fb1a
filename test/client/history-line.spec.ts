import { describe, expect, it } from '@jest/globals';
import { decodedEntry, UndecodedValue } from '../../lib/client/index.js';
import { durableCodec } from '../../lib/core/index.js';
import type { HistoryEntry } from '../../lib/core/index.js';
import { ENTRY_SAMPLES } from '../../lib/testing/journal-contract/entry-samples.js';

const samples: readonly HistoryEntry[] = Object.values(ENTRY_SAMPLES).flatMap((of): HistoryEntry[] => [
  ...of,
]);
/** Whether the codec wrote it: other texts of the samples are no JSON. */
const isCoded = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** Every text of the codec in the entry, by a function that is told the field. */
const changed = (entry: object, change: (field: string) => unknown): object =>
  Object.fromEntries(
    Object.entries(entry).map(([field, value]: [string, unknown]) => {
      if (typeof value === 'string' && isCoded(value)) return [field, change(field)];
      if (field === 'outcome') return [field, changed(value!, change)];
      return [field, field === 'signals' ? (value as object[]).map((one) => changed(one, change)) : value];
    }),
  );

describe('an entry of a history, as a client sees it', () => {
  it.each(samples)('has values instead of their texts: $type', (entry) => {
    const value = { at: new Date(7), list: [1n] };
    const texts = {
      value: durableCodec.encode(value),
      failure: durableCodec.encodeFailure(new RangeError('far')),
    };
    const stored = changed(entry, (field) => (field === 'failure' ? texts.failure : texts.value));
    const seen = changed(entry, (field) => (field === 'failure' ? new RangeError('far') : value));
    expect(decodedEntry(durableCodec, stored as HistoryEntry)).toEqual(seen);
  });

  it.each(samples)('shows what cannot be read as what it is, and never throws: $type', (entry) => {
    const broken = changed(entry, () => 'not JSON') as HistoryEntry;
    const undecoded = changed(entry, () => expect.objectContaining({ text: 'not JSON' }));
    expect(decodedEntry(durableCodec, broken)).toEqual(undecoded);
  });

  it('says why it cannot be read', () => {
    const entry = decodedEntry(durableCodec, {
      type: 'run_completed',
      at: 0,
      result: '{',
      abandoned: [],
      unreadSignals: 0,
    });
    const result = entry.type === 'run_completed' ? entry.result : null;
    expect(result).toBeInstanceOf(UndecodedValue);
    expect(result).toMatchObject({ text: '{', reason: expect.stringContaining('SyntaxError') });
  });
});
