import { rejects } from 'node:assert';
import { readFile } from 'node:fs/promises';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import {
  ActivityFailure,
  AttemptLostError,
  CancelledError,
  durableCodec,
  HandlerFailure,
  NonRetryableError,
  NotInWorkflowError,
  PayloadTooLargeError,
  TimeoutFailure,
  UnstorableValueError,
  WorkflowFailure,
} from '../../../lib/core/index.js';

const encode = (value: unknown) => durableCodec.encode(value);
const decode = (text: string) => durableCodec.decode(text);
const encodeFailure = (thrown: unknown) => durableCodec.encodeFailure(thrown);
const decodeFailure = (text: string) => durableCodec.decodeFailure(text);

/** What comes back, once it is sure that writing it again gives the same text. */
function back(thrown: unknown): unknown {
  const text = encodeFailure(thrown);
  const decoded = decodeFailure(text);
  expect(encodeFailure(decoded)).toBe(text);
  return decoded;
}

function backAsError(thrown: unknown): Error & Record<string, unknown> {
  const decoded = back(thrown);
  expect(decoded).toBeInstanceOf(Error);
  return decoded as Error & Record<string, unknown>;
}

/** The text as it is read in SQL. */
function json(thrown: unknown): Record<string, unknown> {
  return JSON.parse(encodeFailure(thrown)) as Record<string, unknown>;
}

class CardDeclined extends Error {
  constructor(
    readonly code: string,
    readonly at: Date,
  ) {
    super(`The card was declined: ${code}.`);
  }
}

describe('F8: failures', () => {
  it.each([
    new Error('a'),
    new TypeError('b'),
    new RangeError('c'),
    new SyntaxError('d'),
    new ReferenceError('e'),
    new URIError('f'),
    new EvalError('g'),
    new AggregateError([new TypeError('h'), 'i'], 'j'),
    new WorkflowFailure('k'),
    new NonRetryableError('l'),
    new ActivityFailure('m', 'charge', 3, { cause: new TypeError('n') }),
    new CancelledError('o', 'too late'),
    new CancelledError('p'),
    new TimeoutFailure('q'),
    new HandlerFailure('r', 'approve', { cause: undefined }),
    new UnstorableValueError('s', '$.a'),
    new PayloadTooLargeError(11, 10),
    new AttemptLostError('t'),
    new NotInWorkflowError('u'),
  ])('%p comes back as an instance of its class', (error) => {
    const decoded = backAsError(error);
    expect(decoded).toBeInstanceOf(error.constructor);
    expect(Object.getPrototypeOf(decoded)).toBe(Object.getPrototypeOf(error));
    expect(Object.prototype.toString.call(decoded)).toBe('[object Error]');
    for (const key of ['name', 'message', 'stack', ...Object.keys(error)])
      expect(decoded[key]).toStrictEqual(Reflect.get(error, key));
    expect('cause' in decoded).toBe('cause' in error);
    expect(decoded.cause).toEqual(error.cause);
    expect(decoded['errors']).toEqual(Reflect.get(error, 'errors'));
    expect(Object.keys(decoded).filter((key) => key !== 'name')).toEqual(
      Object.keys(error).filter((key) => key !== 'name'),
    );
  });

  it('any other class comes back as an Error with its name, its own properties and its stack', () => {
    const error = new CardDeclined('expired', new Date(0));
    const decoded = backAsError(error);
    expect(decoded.name).toBe('CardDeclined');
    expect(decoded.stack).toBe(error.stack);
    expect(Object.entries(decoded)).toStrictEqual([
      ['code', 'expired'],
      ['at', new Date(0)],
    ]);
    expect(String(decoded)).toBe('CardDeclined: The card was declined: expired.');
  });

  it('can be read in SQL', () => {
    const error = new CardDeclined('expired', new Date(0));
    error.cause = new TypeError('why');
    expect(json(error)).toMatchObject({
      name: 'CardDeclined',
      message: 'The card was declined: expired.',
      facts: { code: 'expired', at: { $continuum: [['Date', '1970-01-01T00:00:00.000Z']] } },
      cause: { name: 'TypeError', message: 'why' },
    });
    expect(encodeFailure(Object.assign(new Error('a'), { stack: '' }))).toBe(
      '{"name":"Error","message":"a"}',
    );
  });

  it('a name that was set wins over the one of the class', () => {
    const error = new CardDeclined('expired', new Date(0));
    error.name = 'Declined';
    expect(backAsError(error).name).toBe('Declined');
    expect(backAsError(new (class extends Error {})()).name).toBe('Error');
  });

  it('an error that only has the name of a class, not its fields, is not taken for one', () => {
    const impostor = Object.assign(new Error('no'), { name: 'ActivityFailure', activity: 'charge' });
    expect(backAsError(impostor)).not.toBeInstanceOf(ActivityFailure);
    expect(backAsError(impostor).name).toBe('ActivityFailure');
  });

  it.each<[string, unknown]>([
    ['{"thrown":"text"}', 'text'],
    ['{"thrown":{"$continuum":-1}}', undefined],
    ['{"thrown":null}', null],
    ['{"thrown":{"code":7}}', { code: 7 }],
    ['{"thrown":{"$continuum":[{"at":1},["Date","1970-01-01T00:00:00.000Z"]]}}', { at: new Date(0) }],
    ['{"thrown":{"name":"Error","message":"plain data"}}', { name: 'Error', message: 'plain data' }],
  ])('what is thrown and is no error is kept: %s', (text, thrown) => {
    expect(encodeFailure(thrown)).toBe(text);
    expect(back(thrown)).toStrictEqual(thrown);
  });

  it('says why something thrown is not kept', () => {
    expect(backAsError({ a: () => {} }).message).toMatch(
      /^Thrown, and not kept\. A function cannot be stored: see \$\.a\./,
    );
    expect(backAsError('x'.repeat(100_000)).message).toMatch(/^Thrown, and too long to be kept: "xxx/);
  });

  it('leaves out what cannot be stored of the properties', () => {
    const error = Object.assign(new Error('no'), {
      code: 7,
      retry: () => {},
      request: { socket: { on: () => {} } },
      unset: undefined,
      ['__proto__']: undefined,
      last: new Map([[1, 2]]),
    });
    expect(Object.entries(backAsError(error))).toStrictEqual([
      ['code', 7],
      ['last', new Map([[1, 2]])],
    ]);
  });

  it('properties never replace what an error is', () => {
    const text = JSON.stringify({
      name: 'TypeError',
      message: 'true',
      stack: 'TypeError: true\n    at here',
      facts: { message: 'false', stack: 'false', cause: 'false', name: 'false', toString: 'kept' },
    }).replace('"toString"', '"__proto__":{"polluted":true},"toString"');
    const decoded = decodeFailure(text) as Error;
    expect(decoded).toBeInstanceOf(TypeError);
    expect(decoded).toMatchObject({
      name: 'TypeError',
      message: 'true',
      stack: 'TypeError: true\n    at here',
    });
    expect('cause' in decoded).toBe(false);
    expect(Object.keys(decoded)).toEqual(['__proto__', 'toString']);
    expect('polluted' in {}).toBe(false);
  });
});

function Old(this: { message: string }, message: string): void {
  this.message = message;
}

describe('F8: errors of other realms', () => {
  it('of Node itself, under a test runner with its own globals', async () => {
    await rejects(readFile('/no/such/file'), (error: Error) => {
      const decoded = backAsError(error);
      expect(decoded).toMatchObject({
        name: 'Error',
        code: 'ENOENT',
        syscall: 'open',
        path: '/no/such/file',
      });
      expect(decoded.message).toBe(error.message);
      return true;
    });
    expect(backAsError(structuredClone(new RangeError('cloned')))).toBeInstanceOf(RangeError);
    const { signal } = new AbortController();
    expect(signal.aborted).toBe(false);
    expect(backAsError(AbortSignal.abort().reason)).toMatchObject({ name: 'AbortError' });
  });

  it('of a context', () => {
    const decoded = backAsError(
      runInNewContext(
        'new (class Lost extends RangeError { name = "Lost" })("no", { cause: new AggregateError([1], "all") })',
      ),
    );
    expect(decoded).toMatchObject({ name: 'Lost', message: 'no' });
    expect(decoded.cause).toBeInstanceOf(AggregateError);
    expect(backAsError(runInNewContext('new RangeError("no")'))).toBeInstanceOf(RangeError);
  });

  it('made the old way, by a function and a prototype', () => {
    Old.prototype = Object.create(Error.prototype, { name: { value: 'Old' } });
    const decoded = backAsError(Reflect.construct(Old, ['no']));
    expect(decoded).toMatchObject({ name: 'Old', message: 'no', stack: 'Old: no' });
    const [inside] = decode(encode([Reflect.construct(Old, ['no'])])) as unknown[];
    expect(inside).toBeInstanceOf(Error);
    expect(inside).toMatchObject({ name: 'Old', message: 'no' });
  });
});

describe('F8: errors in values', () => {
  it('come back with cause, properties and class, without the stack', () => {
    const error = new ActivityFailure('no', 'charge', 3, { cause: new CardDeclined('expired', new Date(0)) });
    const text = encode({ reason: error, again: error });
    expect(text).not.toContain('.spec');
    const decoded = decode(text) as { reason: ActivityFailure; again: ActivityFailure };
    expect(encode(decoded)).toBe(text);
    expect(decoded.again).toBe(decoded.reason);
    expect(decoded.reason).toBeInstanceOf(ActivityFailure);
    expect(decoded.reason.cause).toMatchObject({ name: 'CardDeclined', code: 'expired', at: new Date(0) });
    expect(decoded.reason.stack).toBe('ActivityFailure: no');
  });

  it('settled promises', async () => {
    const settled = await Promise.allSettled([Promise.resolve(1n), Promise.reject(new TypeError('no'))]);
    const decoded = decode(encode(settled)) as typeof settled;
    expect(decoded).toEqual(settled);
    expect(encode(decoded)).toBe(encode(settled));
  });
});

describe('F8: the size of a failure', () => {
  it('cuts name, message and stack, and keeps the frames', () => {
    const error = new Error('m'.repeat(100_000));
    error.name = 'n'.repeat(1_000);
    const decoded = backAsError(error);
    expect(decoded.message).toHaveLength(16_384);
    expect(decoded.name).toHaveLength(256);
    expect(decoded.stack!.length).toBeLessThanOrEqual(4_096);
    expect(decoded.stack).toMatch(/mm… \(cut\)\n {4}at .*failures\.spec/);
    error.stack = `Error: deep${'\n    at recursion (file.js:1:1)'.repeat(10_000)}`;
    expect(backAsError(error).stack).toMatch(/^Error: deep\n {4}at recursion/);
    const pairs = backAsError(new Error('\u{1f600}'.repeat(10_000))).message;
    // Encoding to UTF-8 would replace half a pair.
    expect(Buffer.from(pairs).toString()).toBe(pairs);
  });

  it('keeps eight errors in each other', () => {
    let error = new Error('innermost');
    for (let level = 0; level < 20; level += 1) error = new Error(`level ${level}`, { cause: error });
    const messages: string[] = [];
    for (let at: unknown = backAsError(error); at instanceof Error; at = at.cause) messages.push(at.message);
    expect(messages).toHaveLength(9);
    expect(messages.at(-1)).toBe('Left out: only 8 errors are kept in each other.');
  });

  it('ends where an error stands in itself', () => {
    const error: Error & { self?: unknown } = new Error('outer');
    error.cause = new TypeError('inner', { cause: error });
    error.self = { map: new Map([[1, error]]) };
    const decoded = backAsError(error);
    expect(decoded.cause).toBeInstanceOf(TypeError);
    expect((decoded.cause as Error).cause).toMatchObject({
      message: 'Left out: Error, in which this error stands.',
    });
    expect(encode({ error })).toBe(encode(decode(encode({ error }))));
  });

  it('keeps fifty errors of an AggregateError', () => {
    const decoded = backAsError(
      new AggregateError(Array.from({ length: 1_000 }, (_, n) => new Error(`${n}`))),
    );
    const errors = decoded['errors'] as Error[];
    expect(errors).toHaveLength(50);
    expect(errors[48]!.message).toBe('48');
    expect(errors[49]!.message).toBe('Left out: 951 more errors.');
  });

  it('says at any depth that more errors follow', () => {
    let error: Error = new AggregateError(Array.from({ length: 60 }, () => new Error('one of many')));
    for (let level = 0; level < 7; level += 1) error = new Error(`level ${level}`, { cause: error });
    expect(encodeFailure(backAsError(error))).toBe(encodeFailure(error));
  });

  it('does not count what was left out', () => {
    const large = Array.from({ length: 5 }, (_, n) =>
      Object.assign(new Error('no'), { text: String(n).repeat(60_000) }),
    );
    const decoded = backAsError(Object.assign(new Error('no', { cause: new TypeError('why') }), { large }));
    expect(decoded['large']).toBeUndefined();
    expect(decoded.cause).toBeInstanceOf(TypeError);
  });

  it('stays far below what a payload may be', () => {
    const wide = (levels: number): Error =>
      levels === 0
        ? Object.assign(new Error('m'.repeat(20_000)), { text: 'x'.repeat(60_000), big: 'x'.repeat(70_000) })
        : new AggregateError(Array.from({ length: 8 }, () => wide(levels - 1)));
    const text = encodeFailure(wide(4));
    expect(text.length).toBeLessThan(600_000);
    expect(encodeFailure(decodeFailure(text))).toBe(text);
    expect(text).toContain('Left out: the errors before this one in the failure are long enough.');
  });
});

function boom(): never {
  throw new Error('boom');
}

describe('F8: encodeFailure never throws', () => {
  const trap = new Proxy({}, { get: () => boom });
  const revoked = Proxy.revocable(new Error('gone'), {});
  revoked.revoke();
  const getters = Object.defineProperties(new Error('no'), {
    // First, because defining it makes the engine read the name.
    stack: { get: boom },
    name: { get: boom },
    message: { get: boom },
    cause: { get: boom },
    errors: {
      value: new Proxy([1], { get: (list, key) => (key === '0' ? boom() : Reflect.get(list, key)) }),
    },
    fact: { get: boom, enumerable: true },
  });
  it.each<[string, unknown]>([
    ['a proxy that throws at everything', new Proxy(new Error('no'), trap)],
    ['a proxy whose properties throw', new Proxy(new Error('no'), { get: boom })],
    ['a revoked proxy', revoked.proxy],
    ['getters that throw', getters],
    ['a message that is no text', Object.assign(new Error('no'), { message: { toString: boom } })],
    ['a symbol for a message', Object.assign(new Error('no'), { message: Symbol('s') })],
    ['a cause that is a method', Object.assign(new Error('no'), { cause: () => {} })],
    ['a cause that cannot be stored', new Error('no', { cause: Promise.resolve() })],
    [
      'a class whose name throws',
      Object.assign(new Error('no'), {
        constructor: {
          get name() {
            return boom();
          },
        },
      }),
    ],
    ['an object whose toJSON throws', { toJSON: boom }],
    ['a symbol', Symbol('s')],
    ['a promise', Promise.resolve()],
  ])('%s', (_, thrown) => {
    expect(typeof back(thrown)).toBe('object');
  });
});
