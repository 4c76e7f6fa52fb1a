import { describe, expect, it } from '@jest/globals';
import { durableCodec, SUMMARY_LENGTH, summarizeFailure } from '../../../lib/core/index.js';

const summary = (thrown: unknown): unknown => summarizeFailure(durableCodec.encodeFailure(thrown));

describe('the summary of a failure', () => {
  it('is the name and the message of the error, whatever stands in them', () => {
    class CardDeclined extends Error {}
    const texts = [
      'no',
      '',
      '"',
      '\\',
      '\\"',
      'a\\u0041',
      'tab\tand\nline',
      'a\u0000b',
      '\ud83d',
      '😀',
      '{"name":',
    ];
    for (const text of texts)
      expect(summary(new CardDeclined(text))).toEqual({ name: 'CardDeclined', message: text });
    const error = Object.assign(new Error('out', { cause: new Error('in') }), { code: 7 });
    expect(summary(error)).toEqual({ name: 'Error', message: 'out' });
  });

  it('cuts a long message, at any place of an escape', () => {
    for (let before = 0; before < 12; before++) {
      const message = 'x'.repeat(before) + '\u0001"\\'.repeat(5_000);
      const { message: cut } = summarizeFailure(durableCodec.encodeFailure(new Error(message)));
      expect(cut).toMatch(/… \(cut\)$/);
      expect(message.startsWith(cut.replace('… (cut)', ''))).toBe(true);
    }
  });

  it('looks at the beginning alone', () => {
    const text = durableCodec.encodeFailure(new Error('m'.repeat(10_000), { cause: new Error('in') }));
    expect(summarizeFailure(text.slice(0, SUMMARY_LENGTH))).toEqual(summarizeFailure(text));
  });

  it('shows what is no error as what it is', () => {
    expect(summary('a text')).toEqual({ name: 'Error', message: 'a text' });
    expect(summary({ code: 7 })).toEqual({ name: 'Error', message: '{"code":7}' });
    expect(summary(undefined)).toMatchObject({ name: 'Error' });
    expect(summary('x'.repeat(60_000))).toMatchObject({ message: expect.stringMatching(/… \(cut\)$/) });
    expect(summarizeFailure('not of ours')).toEqual({ name: 'Error', message: 'not of ours' });
  });
});
