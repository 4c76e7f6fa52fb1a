import { describe, expect, it } from '@jest/globals';
import { SmallMap } from '../../lib/core/index.js';
import { Chance, testSeed } from '../support/random.js';

describe('SmallMap', () => {
  it('does what a Map does, with none, one and many entries', () => {
    const seed = testSeed();
    const chance = new Chance(seed);
    const map = new SmallMap<number, number>();
    const model = new Map<number, number>();
    for (let step = 0; step < 5_000; step++) {
      const key = chance.below(3);
      if (chance.happens(0.5)) {
        map.set(key, step);
        model.set(key, step);
      } else
        expect({ seed, step, deleted: map.delete(key) }).toEqual({ seed, step, deleted: model.delete(key) });
      const seen = [map.size, [...map], [...map.keys()], [...map.values()], map.get(key), map.has(key)];
      const expected = [
        model.size,
        [...model],
        [...model.keys()],
        [...model.values()],
        model.get(key),
        model.has(key),
      ];
      expect({ seed, step, seen }).toEqual({ seed, step, seen: expected });
    }
  });

  it('may lose what it is iterated over', () => {
    for (const keys of [[1], [1, 2, 3]]) {
      const map = new SmallMap<number, string>();
      for (const key of keys) map.set(key, 'here');
      for (const [key] of map) map.delete(key);
      expect(map.size).toBe(0);
    }
  });
});
