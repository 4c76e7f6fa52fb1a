import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { durableCodec } from '../../../lib/core/values/index.js';

const encode = (value: unknown) => durableCodec.encode(value);
const decode = (text: string) => durableCodec.decode(text);

/** What comes back, once it is sure that writing it again gives the same text. */
function back(value: unknown): unknown {
  const text = encode(value);
  const decoded = decode(text);
  expect(encode(decoded)).toBe(text);
  return decoded;
}

class Money {
  readonly #secret = 1;
  constructor(
    readonly amount: number,
    readonly currency: string,
  ) {}
  get doubled(): number {
    return this.amount * 2 * this.#secret;
  }
}

/** Like the instances of decimal and date libraries. */
class Decimal {
  readonly #digits: string;
  constructor(digits: string) {
    this.#digits = digits;
  }
  toJSON(): string {
    return this.#digits;
  }
}

function nested(levels: number): object {
  let value = {};
  for (let level = 0; level < levels; level += 1) value = { next: value };
  return value;
}

describe('F8: plain JSON stays plain JSON', () => {
  it.each([
    ['null', null],
    ['true', true],
    ['0', 0],
    ['-1.5e+300', -1.5e300],
    ['"text"', 'text'],
    ['[]', []],
    ['{}', {}],
    [
      '{"1":"b","2":"a","id":"o-1","items":[{"sku":"pen","price":1.5}]}',
      { id: 'o-1', items: [{ sku: 'pen', price: 1.5 }], 2: 'a', 1: 'b' },
    ],
    ['{"amount":5,"currency":"EUR"}', new Money(5, 'EUR')],
    ['{"total":"12.50"}', { total: new Decimal('12.50') }],
    ['"\\u0000"', '\u0000'],
    ['"\\ud800 \\udfff"', '\ud800 \udfff'],
    ['"\u{1f600}\u2028<"', '\u{1f600}\u2028<'],
    ['{"a":1}', Object.assign(Object.create(null), { a: 1 })],
    ['{"a":1}', { a: 1, [Symbol('ignored')]: 2 }],
    ['["a"]', [new String('a')]],
    ['{"$continuum2":1}', { $continuum2: 1 }],
    ['{"a":1,"$continuum":1}', { a: 1, $continuum: 1 }],
  ])('%s', (text, value) => {
    expect(encode(value)).toBe(text);
    expect(encode(decode(text))).toBe(text);
    expect(JSON.stringify(decode(text))).toBe(text);
  });
});

// The texts are part of the semantics version (F29): recorded histories hold them.
describe('F8, F29: what JSON would change is written rich', () => {
  it.each<[string, unknown]>([
    ['-1', undefined],
    ['-3', Number.NaN],
    ['-4', Number.POSITIVE_INFINITY],
    ['-5', Number.NEGATIVE_INFINITY],
    ['-6', -0],
    ['[["BigInt","12345678901234567890"]]', 12345678901234567890n],
    ['[["Date","2024-02-29T12:00:00.123Z"]]', new Date('2024-02-29T12:00:00.123Z')],
    ['[["Map",1,2],"a",["Map",3,5],{"b":4},1,"c"]', new Map([['a', new Map([[{ b: 1 }, 'c']])]])],
    ['[["Set",1,-3,2],"a",["Set"]]', new Set(['a', Number.NaN, new Set()])],
    ['[["RegExp","a\\\\/b\\u003C","gi"]]', /a\/b</gi],
    ['[["URL","https://example.org/a%20b?c=d#e"]]', new URL('https://example.org/a b?c=d#e')],
    ['[["URLSearchParams","a=1&a=2"]]', new URLSearchParams('a=1&a=2')],
    ['[["ArrayBuffer","AQI="]]', new Uint8Array([1, 2]).buffer],
    ['[["Uint8Array",1],["ArrayBuffer","AQI="]]', new Uint8Array([1, 2])],
    ['[["Float64Array",1],["ArrayBuffer","AAAAAAAAAIA="]]', new Float64Array([-0])],
    ['[["BigInt64Array",1],["ArrayBuffer","//////////8="]]', new BigInt64Array([-1n])],
    ['[["DataView",1],["ArrayBuffer","AQI="]]', new DataView(new Uint8Array([1, 2]).buffer)],
    ['[{"a":-1}]', { a: undefined }],
    ['[[-1]]', [undefined]],
    // oxlint-disable-next-line eslint/no-sparse-arrays -- a hole is what is tried
    ['[[-2,1],1]', [, 1]],
    ['[[-7,1000,999,1],"last"]', Object.assign([], { 999: 'last' })],
    ['[{"$continuum":1},1]', { $continuum: 1 }],
    ['[{"$continuum":1,"more":2},1,2]', { $continuum: 1, more: 2 }],
  ])('%s', (flat, value) => {
    expect(encode(value)).toBe(`{"$continuum":${flat}}`);
    expect(back(value)).toStrictEqual(value);
  });

  it('a date that is none', () => {
    expect(encode(new Date(Number.NaN))).toBe('{"$continuum":[["Date",""]]}');
    expect(String(back(new Date(Number.NaN)))).toBe('Invalid Date');
  });

  it('shared references and cycles', () => {
    const shared = { at: new Date(0) };
    const value: Record<string, unknown> = { first: shared, again: shared, map: new Map([[shared, shared]]) };
    value['itself'] = value;
    const decoded = back(value) as typeof value;
    expect(decoded['itself']).toBe(decoded);
    expect(decoded['first']).toBe(decoded['again']);
    expect(decoded['map']).toStrictEqual(new Map([[decoded['first'], decoded['first']]]));
    expect((decoded['map'] as Map<object, object>).get(decoded['first'] as object)).toBe(decoded['first']);
  });

  it('the bytes a view shows, not the memory behind it', () => {
    const memory = new Uint8Array([1, 2, 3, 4]);
    expect(encode(memory.subarray(1, 3))).toBe(encode(new Uint8Array([2, 3])));
    const buffer = Buffer.from('hello');
    expect(buffer.buffer.byteLength).toBeGreaterThan(5);
    expect(back(buffer)).toStrictEqual(new Uint8Array(buffer));
  });

  it('an array with one item and a length of millions', () => {
    const sparse: unknown[] = [];
    sparse[4_000_000_000] = new Date(0);
    const decoded = back(sparse) as unknown[];
    expect(decoded).toHaveLength(4_000_000_001);
    expect(Object.keys(decoded)).toEqual(['4000000000']);
    expect(decoded[4_000_000_000]).toEqual(new Date(0));
  });

  it('many references to the same things, which JSON would write out', () => {
    let value: unknown = 'leaf';
    for (let level = 0; level < 60; level += 1) value = [value, value];
    expect(encode(value).length).toBeLessThan(2_000);
    let decoded = back(value);
    for (let level = 0; level < 60; level += 1) {
      const [one, two] = decoded as unknown[];
      expect(one).toBe(two);
      decoded = one;
    }
    expect(decoded).toBe('leaf');
  });

  it('a thousand levels', () => {
    expect(encode(nested(100))).toMatch(/^\{"next":/);
    expect(encode(nested(101))).toMatch(/^\{"\$continuum":/);
    expect(encode(back(nested(1_000)))).toBe(encode(nested(1_000)));
  });
});

describe('F8: instances come back as plain data', () => {
  it('with their own properties', () => {
    const decoded = back({ price: new Money(5, 'EUR'), at: new Date(0) });
    expect(decoded).toStrictEqual({ price: { amount: 5, currency: 'EUR' }, at: new Date(0) });
  });

  it('with what toJSON gives, called once, with the name of the property', () => {
    const names: string[] = [];
    const instance = {
      toJSON(name: string) {
        names.push(name);
        return { at: new Date(0), toJSON: undefined };
      },
    };
    expect(back({ a: instance, again: instance, map: new Map([[1, [instance]]]) })).toStrictEqual({
      a: { at: new Date(0), toJSON: undefined },
      again: { at: new Date(0), toJSON: undefined },
      map: new Map([[1, [{ at: new Date(0), toJSON: undefined }]]]),
    });
    expect(names).toEqual(['a']);
  });

  it.each([null, undefined, 0, '', false])('with toJSON giving %p', (json) => {
    expect(back({ kept: 1, value: { a: 1, toJSON: () => json } })).toStrictEqual({ kept: 1, value: json });
  });

  it('with toJSON on instances that hold each other', () => {
    class Node {
      other: Node | undefined;
      constructor(readonly name: string) {}
      toJSON(): object {
        return Object.fromEntries(Object.entries(this));
      }
    }
    const [a, b] = [new Node('a'), new Node('b')];
    a.other = b;
    b.other = a;
    interface Plain {
      readonly name: string;
      readonly other: Plain;
    }
    const decoded = back(a) as Plain;
    expect(decoded.other.name).toBe('b');
    expect(decoded.other.other).toBe(decoded);
  });

  it('of a class that names itself', () => {
    class Named {
      readonly a = 1;
      get [Symbol.toStringTag](): string {
        return 'Date';
      }
    }
    expect(back(new Named())).toStrictEqual({ a: 1 });
  });

  it('without toJSON where it would lose something', () => {
    const value = [new Date(0), new URL('https://example.org/'), Buffer.from([1])];
    expect(back(value)).toStrictEqual([new Date(0), new URL('https://example.org/'), new Uint8Array([1])]);
  });
});

describe('F8: types are told across realms', () => {
  it.each([
    ['new Date(5)', new Date(5)],
    ['new Map([["a", new Set([1])]])', new Map([['a', new Set([1])]])],
    ['/a/g', /a/g],
    ['5n', 5n],
    ['new Uint8Array([1, 2]).subarray(1)', new Uint8Array([2])],
    ['new Uint8Array([1]).buffer', new Uint8Array([1]).buffer],
    ['[1, { a: undefined }]', [1, { a: undefined }]],
    ['Object(5)', 5],
  ])('%s', (code, value) => {
    expect(encode(runInNewContext(code))).toBe(encode(value));
    expect(back({ value: runInNewContext(code), undefined })).toStrictEqual({ value, undefined });
  });

  it('plain data of another realm stays plain', () => {
    expect(encode(runInNewContext('({ a: [1, { b: null }] })'))).toBe('{"a":[1,{"b":null}]}');
  });

  it('errors', () => {
    const [other] = back([runInNewContext('Object.assign(new TypeError("no"), { code: 7 })')]) as [Error];
    expect(other).toBeInstanceOf(TypeError);
    expect(other).toMatchObject({ message: 'no', code: 7 });
  });
});

describe('F8: __proto__', () => {
  it('has another name in rich text', () => {
    const value = { ...(JSON.parse('{"__proto__":1}') as object), ['~__proto__']: undefined };
    expect(encode(value)).toBe('{"$continuum":[{"~__proto__":1,"~~__proto__":-1},1]}');
  });

  it.each(['{"__proto__":{"polluted":true}}', '{"a":{"__proto__":null},"__proto__":1,"~__proto__":2}'])(
    '%s',
    (text) => {
      const value = decode(text) as object;
      expect(encode(value)).toBe(text);
      for (const rich of [{ value, undefined }, new Map([[value, value]])]) {
        const decoded = back(rich);
        const inside = (
          decoded instanceof Map ? [...decoded.keys()][0] : (decoded as { value: object }).value
        ) as object;
        expect(Object.getPrototypeOf(inside)).toBe(Object.prototype);
        expect(JSON.stringify(inside)).toBe(text);
      }
      expect('polluted' in {}).toBe(false);
    },
  );
});

describe('F7, F8: the text of a value does not depend on', () => {
  it('where an error in it was made', () => {
    const [here, there] = [new RangeError('no', { cause: new Error('why') })].concat(
      new RangeError('no', { cause: new Error('why') }),
    );
    expect(here!.stack).not.toBe(there!.stack);
    expect(encode({ reason: here })).toBe(encode({ reason: there }));
  });

  it('the class of what holds the same data', () => {
    expect(encode(new Money(1, 'EUR'))).toBe(encode({ amount: 1, currency: 'EUR' }));
    expect(encode([new Money(1, 'EUR'), undefined])).toBe(
      encode([{ amount: 1, currency: 'EUR' }, undefined]),
    );
  });
});
