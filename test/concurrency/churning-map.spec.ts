import { expect, it } from '@jest/globals';
import { ChurningMap } from '../../lib/concurrency/index.js';
import { Chance, testSeed } from '../support/random.js';

it('ChurningMap does what a Map does', () => {
  const seed = testSeed();
  const chance = new Chance(seed);
  const map = new ChurningMap<number, number>();
  const model = new Map<number, number>();
  for (let step = 0; step < 5_000; step++) {
    const key = chance.below(5);
    if (chance.happens(0.5)) {
      map.set(key, step);
      model.set(key, step);
    } else
      expect({ seed, step, deleted: map.delete(key) }).toEqual({ seed, step, deleted: model.delete(key) });
    const seen = [map.size, [...map.keys()], [...map.values()], map.get(key), map.has(key)];
    const expected = [model.size, [...model.keys()], [...model.values()], model.get(key), model.has(key)];
    expect({ seed, step, seen }).toEqual({ seed, step, seen: expected });
  }
});
