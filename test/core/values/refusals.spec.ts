import { Readable } from 'node:stream';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { durableCodec, UnstorableValueError } from '../../../lib/core/index.js';

function refusal(value: unknown): UnstorableValueError {
  try {
    durableCodec.encode(value);
  } catch (error) {
    expect(error).toBeInstanceOf(UnstorableValueError);
    return error as UnstorableValueError;
  }
  throw new Error('It was stored.');
}

const promise = Promise.resolve();
const throwing = {
  get total(): number {
    throw new RangeError('not yet');
  },
};

describe('F8: what cannot be stored is refused at the call, with the path and the remedy', () => {
  it.each<[string, unknown, RegExp]>([
    [
      '$.items[2].callback',
      { items: [1, 2, { callback() {} }] },
      /^A function cannot be stored: see \$\.items\[2\]\.callback\. .*choose the function/,
    ],
    ['$', () => {}, /function/],
    ['$.type', { type: class {} }, /function/],
    ['$["odd name"]', { 'odd name': Symbol('s') }, /symbol.*Store a string/],
    ['$[1]', [0, promise], /promise.*Await it/],
    ['$', runInNewContext('Promise.resolve()'), /promise/],
    // oxlint-disable-next-line unicorn/no-thenable -- a query builder is one
    ['$.query', { query: { then: () => {} } }, /`then` method/],
    ['$.cache', { cache: new WeakMap() }, /kind WeakMap/],
    ['$.cache', { cache: Object.assign(new WeakSet(), { a: 1 }) }, /kind WeakSet/],
    ['$', (function* () {})(), /kind Generator/],
    ['$.body', { body: new Blob(['a']) }, /kind Blob/],
    ['$.signal', { signal: new AbortController().signal }, /kind AbortSignal/],
    ['$.memory', { memory: new SharedArrayBuffer(1) }, /kind SharedArrayBuffer/],
    ['$.file', { file: Readable.from([]) }, /stream.*read it first/],
    ['$.byId.get("a").f', { byId: new Map([['a', { f() {} }]]) }, /function/],
    ['$.byId.get({…})', { byId: new Map([[{}, promise]]) }, /promise/],
    [
      '$.keys()[1]',
      new Map<unknown, unknown>([
        ['a', 1],
        [Symbol('k'), 2],
      ]),
      /symbol/,
    ],
    ['$.tags.values()[1]', { tags: new Set([1, promise]) }, /promise/],
    ['$.order.total', { order: throwing }, /throws when it is read \(RangeError: not yet\)/],
    [
      '$.proxy',
      {
        proxy: new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error('closed');
            },
          },
        ),
      },
      /closed/,
    ],
    [
      '$.dto',
      {
        dto: {
          toJSON: () => {
            throw new Error('lost');
          },
        },
      },
      /lost/,
    ],
    ['$.dto.a', { dto: { toJSON: () => ({ a: promise }) } }, /promise/],
    ['$.dto', { dto: { toJSON: () => promise } }, /promise/],
    ['$.buffer', { buffer: transferred() }, /kind ArrayBuffer/],
  ])('%s', (path, value, message) => {
    const error = refusal(value);
    expect(error.path).toBe(path);
    expect(error.message).toMatch(message);
  });

  it('keeps what a getter threw as the cause', () => {
    expect(refusal(throwing).cause).toEqual(new RangeError('not yet'));
  });

  it('a value that never ends', () => {
    const endless = (): object => ({
      get next() {
        return endless();
      },
    });
    const error = refusal(endless());
    expect(error.message).toMatch(/nested more than 1000 levels deep/);
    expect(error.path).toMatch(/^\$(\.next)+ … (\.next)+$/);
    expect(refusal({ toJSON: () => ({ more: endless() }) }).path).toMatch(/^\$\.more\.next/);
  });

  it('a chain deeper than the stack', () => {
    let chain: object = {};
    for (let level = 0; level < 200_000; level += 1) chain = { chain };
    expect(refusal(chain).message).toMatch(/nested more than 1000 levels deep/);
    let arrays: unknown[] = [];
    for (let level = 0; level < 200_000; level += 1) arrays = [arrays];
    expect(refusal(arrays).message).toMatch(/nested more than 1000 levels deep/);
  });

  it('from a stack that is almost full', () => {
    const refused = new Set<unknown>();
    const dive = (): void => {
      try {
        durableCodec.encode({ at: new Map([[1, { f() {} }]]) });
      } catch (error) {
        refused.add((error as Error).name);
      }
      dive();
    };
    expect(dive).toThrow(RangeError);
    // Only the very last frames, where nothing can be called any more, may say something else.
    expect(refused).toContain('UnstorableValueError');
    expect(durableCodec.encode({ a: 1 })).toBe('{"a":1}');
  });
});

function transferred(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  structuredClone(buffer, { transfer: [buffer] });
  return buffer;
}
