import { describe, expect, it } from '@jest/globals';
import { Batcher } from '../../lib/concurrency/index.js';
import { JournalError, JournalRefusedError, mayBeOneAtFault } from '../../lib/journal/index.js';
import { gate } from '../support/gate.js';

const oneAtFault = mayBeOneAtFault;
const loopTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('Batcher', () => {
  it('does together what is asked for together', async () => {
    const batches: number[][] = [];
    const batcher = new Batcher<number, number>(
      (numbers) => {
        batches.push([...numbers]);
        return Promise.resolve(numbers.map((n) => n * 2));
      },
      { oneAtFault },
    );
    await expect(Promise.all([1, 2, 3].map((n) => batcher.ask(n)))).resolves.toEqual([2, 4, 6]);
    expect(batches).toEqual([[1, 2, 3]]);
  });

  it('gathers while its writers are busy', async () => {
    const first = gate();
    const batches: number[][] = [];
    const batcher = new Batcher<number, number>(
      async (numbers) => {
        batches.push([...numbers]);
        if (batches.length === 1) await first.opened;
        return numbers;
      },
      { writers: 1, oneAtFault },
    );
    const one = batcher.ask(1);
    while (batches.length === 0) await loopTurn();
    const others = [batcher.ask(2), batcher.ask(3)];
    first.open();
    await Promise.all([one, ...others]);
    expect(batches).toEqual([[1], [2, 3]]);
  });

  it('takes along what comes in the next turn of the loop, and does not wait for ever while more comes', async () => {
    const batches: number[][] = [];
    const batcher = new Batcher<number, number>(
      (numbers) => {
        batches.push([...numbers]);
        return Promise.resolve(numbers);
      },
      { oneAtFault },
    );
    // The first two come together, so there may be more; one that comes alone after one alone waits for nobody.
    const asked = [batcher.ask(1), batcher.ask(2)];
    await loopTurn();
    asked.push(batcher.ask(3));
    await Promise.all(asked);
    await batcher.ask(4);
    asked.push(batcher.ask(5));
    await loopTurn();
    asked.push(batcher.ask(6));
    await Promise.all(asked);
    expect(batches).toEqual([[1, 2, 3], [4], [5], [6]]);

    batches.length = 0;
    let n = 0;
    for (; batches.length === 0 && n < 100; n++) {
      asked.push(batcher.ask(n));
      await loopTurn();
    }
    expect(n).toBeLessThan(10);
    await Promise.all(asked);
  });

  it('caps a batch by items and by bytes, and lets a larger request go alone', async () => {
    const batches: number[][] = [];
    const batcher = new Batcher<number, number>(
      (numbers) => {
        batches.push([...numbers]);
        return Promise.resolve(numbers);
      },
      { items: 3, bytes: 10, size: (n) => n, writers: 1, oneAtFault },
    );
    await Promise.all([50, 4, 4, 4, 1, 1, 1].map((n) => batcher.ask(n)));
    expect(batches).toEqual([[50], [4, 4], [4, 1, 1], [1]]);
  });

  it('halves a refused batch until the culprit is alone', async () => {
    const batcher = new Batcher<number, number>(
      (numbers) =>
        numbers.includes(13)
          ? Promise.reject(new JournalRefusedError('13 cannot be stored'))
          : Promise.resolve(numbers),
      { oneAtFault },
    );
    const answers = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => batcher.ask(n)));
    expect(answers.flatMap((answer, n) => (answer.status === 'rejected' ? [n] : []))).toEqual([13]);
  });

  it('asks nothing again that may have been done', async () => {
    const batches: number[][] = [];
    const batcher = new Batcher<number, number>(
      (numbers) => {
        batches.push([...numbers]);
        return Promise.reject(new JournalError('no answer could be read', { ambiguous: true }));
      },
      { oneAtFault },
    );
    const answers = await Promise.allSettled([batcher.ask(1), batcher.ask(2)]);
    expect(answers).toMatchObject(answers.map(() => ({ status: 'rejected', reason: { ambiguous: true } })));
    expect(batches).toEqual([[1, 2]]);
  });

  it('tells every waiter of a batch that failed, and goes on', async () => {
    let fails = true;
    const batcher = new Batcher<number, number>(
      (numbers) => (fails ? Promise.reject(new Error('no connection')) : Promise.resolve(numbers)),
      { oneAtFault },
    );
    const answers = await Promise.allSettled([batcher.ask(1), batcher.ask(2)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    fails = false;
    await expect(batcher.ask(3)).resolves.toBe(3);
  });

  it('answers the others when one of those that are called back throws, and tells that one', async () => {
    const batcher = new Batcher<number, number>((numbers) => Promise.resolve(numbers), { oneAtFault });
    const told: unknown[] = [];
    batcher.put({
      request: 1,
      answered: () => {
        throw new Error('its own trouble');
      },
      failed: (error) => told.push(error),
    });
    await expect(batcher.ask(2)).resolves.toBe(2);
    expect(told).toEqual([new Error('its own trouble')]);
    await expect(batcher.ask(3)).resolves.toBe(3);
  });
});
