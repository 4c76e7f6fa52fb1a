import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { defineSignal } from '../../lib/core/index.js';

describe('defineSignal', () => {
  it('names a signal, and keeps its schema', () => {
    const schema = z.object({ by: z.string() });

    expect(defineSignal('approved').name).toBe('approved');
    expect(defineSignal('approved', schema)).toEqual({ name: 'approved', schema });
  });

  it('refuses an empty name', () => {
    expect(() => defineSignal('')).toThrow('A signal needs a name that is not empty');
  });
});
