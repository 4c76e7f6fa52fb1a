import { describe, expect, it } from '@jest/globals';
import { Turnstile } from '../../lib/journal/postgres/patience.js';
import { gate } from '../support/gate.js';

describe('Turnstile', () => {
  it('lets in no more than it has places for, those first who go ahead, the others as they came', async () => {
    const turnstile = new Turnstile(1);
    const end = gate();
    const order: string[] = [];
    const enter = (name: string, ahead = false): Promise<void> =>
      turnstile.pass(async () => void order.push(name), ahead);
    const inside = turnstile.pass(() => end.opened);
    const all = [
      inside,
      enter('a'),
      enter('b'),
      enter('worker', true),
      enter('c'),
      enter('other worker', true),
    ];
    expect(order).toEqual([]);
    end.open();
    await Promise.all(all);
    expect(order).toEqual(['worker', 'other worker', 'a', 'b', 'c']);
    await enter('later');
    expect(order.at(-1)).toBe('later');
  });

  it('gives its place back also where work fails', async () => {
    const turnstile = new Turnstile(1);
    await expect(turnstile.pass(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    await expect(turnstile.pass(() => Promise.resolve('next'))).resolves.toBe('next');
  });
});
