import { describe, expect, it } from '@jest/globals';
import { ContentionError } from '../../lib/journal/index.js';
import { LockQueue } from '../../lib/journal/postgres/lock-queue.js';
import { gate } from '../support/gate.js';

const NEVER = performance.now() + 600_000;

describe('LockQueue', () => {
  it('lets in no more than it has places for, those first who go ahead, the others as they came', async () => {
    const queue = new LockQueue(1);
    const end = gate();
    const order: string[] = [];
    const enter = (name: string, ahead = false): Promise<void> =>
      ahead
        ? queue.passAhead(async () => void order.push(name))
        : queue.pass(async () => void order.push(name), NEVER);
    const inside = queue.pass(() => end.opened, NEVER);
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

  it('keeps nobody for longer than it is patient where those inside get no answer', async () => {
    const queue = new LockQueue(1);
    const silence = gate();
    const inside = queue.pass(() => silence.opened, NEVER);
    let begun = 0;
    const begin = async (): Promise<number> => ++begun;
    const patient = queue.pass(begin, NEVER);
    await expect(queue.pass(begin, performance.now() + 5)).rejects.toBeInstanceOf(ContentionError);
    expect(begun).toBe(0);
    silence.open();
    await inside;
    // Its place went to nobody.
    await expect(patient).resolves.toBe(1);
    await expect(queue.pass(begin, performance.now())).resolves.toBe(2);
  });

  it('gives its place back also where work fails', async () => {
    const queue = new LockQueue(1);
    await expect(queue.pass(() => Promise.reject(new Error('no')), NEVER)).rejects.toThrow('no');
    await expect(queue.pass(() => Promise.resolve('next'), NEVER)).resolves.toBe('next');
  });
});
