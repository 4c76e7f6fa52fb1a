import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { durableCodec } from '../../../lib/core/values/index.js';

const encode = (value: unknown) => durableCodec.encode(value);
const decode = (text: string) => durableCodec.decode(text);
const encodeFailure = (thrown: unknown) => durableCodec.encodeFailure(thrown);
const decodeFailure = (text: string) => durableCodec.decodeFailure(text);

/** `CONTINUUM_SEED` repeats a run, whose seed stands in the names of the tests; `CONTINUUM_RUNS` makes it longer. */
const seed = Number(process.env['CONTINUUM_SEED'] ?? Math.trunc(Math.random() * 2 ** 31));
const numRuns = Number(process.env['CONTINUUM_RUNS'] ?? 300);

const key = fc.oneof(
  fc.string(),
  fc.constantFrom(
    '$continuum',
    '__proto__',
    '~__proto__',
    'toString',
    'constructor',
    'length',
    '0',
    '10',
    'name',
    'message',
  ),
);
const text = fc.string({
  unit: fc.oneof(
    fc.string({ maxLength: 3 }),
    fc.constantFrom('\u0000', '\ud800', '\udfff', '<', '\u2028', '\u{1f600}'),
  ),
});
const leaf = fc.oneof(
  text,
  fc.double(),
  fc.integer(),
  fc.bigInt(),
  fc.constantFrom(undefined, null, true, false, -0, '$continuum'),
  fc.date({ noInvalidDate: true }),
  fc.constantFrom(/a/, /[/]\n</giu, new RegExp('')),
  fc.webUrl().map((url) => new URL(url)),
  fc.uint8Array(),
  fc.float64Array(),
  fc.int16Array().map((array) => new Int16Array(array.buffer.slice(0))),
  fc.sparseArray(fc.integer(), { maxNumElements: 3 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    { arbitrary: leaf, weight: 3 },
    { arbitrary: fc.array(tie('value'), { maxLength: 4 }), weight: 1 },
    {
      arbitrary: fc
        .array(fc.tuple(key, tie('value')), { maxLength: 4 })
        .map((entries) => Object.fromEntries(entries)),
      weight: 2,
    },
    {
      arbitrary: fc
        .array(fc.tuple(tie('value'), tie('value')), { maxLength: 3 })
        .map((entries) => new Map(entries)),
      weight: 1,
    },
    { arbitrary: fc.array(tie('value'), { maxLength: 3 }).map((members) => new Set(members)), weight: 1 },
  ),
}));

/** Containers that hold each other in any way, cycles too. */
const graph = fc
  .array(
    fc.record({
      kind: fc.constantFrom('object', 'array', 'map', 'set'),
      links: fc.array(fc.nat(5), { maxLength: 3 }),
      leaf,
    }),
    {
      minLength: 1,
      maxLength: 6,
    },
  )
  .map((plan) => {
    const nodes = plan.map(({ kind }) =>
      kind === 'object' ? {} : kind === 'array' ? [] : kind === 'map' ? new Map() : new Set(),
    );
    plan.forEach(({ links, leaf: own }, index) => {
      [own, ...links.map((link) => nodes[link % nodes.length])].forEach((part, n) =>
        put(nodes[index]!, n, part),
      );
    });
    return nodes[0];
  });

function put(node: object, n: number, part: unknown): void {
  if (Array.isArray(node)) node.push(part);
  else if (node instanceof Map) node.set(n % 2 === 0 ? part : n, n % 2 === 0 ? n : part);
  else if (node instanceof Set) node.add(part);
  else Reflect.set(node, `p${n}`, part);
}

const names = fc.constantFrom('Error', 'TypeError', 'ActivityFailure', 'CancelledError', 'CardDeclined', '');
const texts = fc.oneof(text, fc.constantFrom('m'.repeat(20_000), `${'x'.repeat(16_376)}\u{1f600}`));
const facts = fc.dictionary(
  fc.oneof(key, fc.constantFrom('activity', 'attempts', 'reason', 'errors', 'code')),
  fc.oneof(
    leaf,
    fc.constantFrom('x'.repeat(40_000), () => {}, new WeakMap()),
  ),
  { maxKeys: 4 },
);
/** Errors that stand in each other in any way. */
const failure = fc
  .array(
    fc.record({
      name: names,
      message: texts,
      stack: fc.constantFrom('kept', 'none', 'long', 'frameless'),
      facts,
      cause: fc.option(fc.nat(5)),
      errors: fc.option(fc.array(fc.nat(5), { maxLength: 60 }), { freq: 3 }),
      wrapped: fc.option(fc.nat(5)),
      thrown: fc.option(leaf, { freq: 4 }),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((plans) => {
    const errors = plans.map(({ message }) => new Error(message));
    const pick = (link: number): Error => errors[link % errors.length]!;
    plans.forEach((plan, index) => {
      const error = errors[index]!;
      for (const [name, fact] of Object.entries(plan.facts))
        Object.defineProperty(error, name, {
          value: fact,
          enumerable: true,
          configurable: true,
          writable: true,
        });
      const hidden = { configurable: true, writable: true };
      Object.defineProperty(error, 'name', { ...hidden, value: plan.name });
      if (plan.stack === 'none') Object.defineProperty(error, 'stack', { ...hidden, value: undefined });
      if (plan.stack === 'long')
        Object.defineProperty(error, 'stack', { ...hidden, value: `E${'\n    at f'.repeat(999)}` });
      if (plan.stack === 'frameless')
        Object.defineProperty(error, 'stack', { ...hidden, value: 'no frames' });
      if (plan.cause !== null) Object.defineProperty(error, 'cause', { ...hidden, value: pick(plan.cause) });
      if (plan.thrown !== null) Object.defineProperty(error, 'cause', { ...hidden, value: plan.thrown });
      if (plan.errors !== null)
        Object.defineProperty(error, 'errors', { ...hidden, value: plan.errors.map(pick) });
      if (plan.wrapped !== null) Object.assign(error, { wrapped: { deep: [pick(plan.wrapped)] } });
    });
    return errors[0]!;
  });

function isObject(original: unknown): original is object {
  return typeof original === 'object' && original !== null;
}

function jsonKeeps(original: unknown): boolean {
  try {
    return isDeepStrictEqual(JSON.parse(JSON.stringify(original)), original);
  } catch {
    return false;
  }
}

describe(`F8: any value (seed ${seed})`, () => {
  it('comes back equal, and has one text', () => {
    fc.assert(
      fc.property(fc.oneof(value, graph), (original) => {
        const written = encode(original);
        const decoded = decode(written);
        expect(isDeepStrictEqual(decoded, original)).toBe(true);
        expect(encode(decoded)).toBe(written);
        expect(encode(original)).toBe(written);
      }),
      { seed, numRuns },
    );
  });

  it('is stored in some way or refused with a path', () => {
    const anything = fc.anything({
      withBigInt: true,
      withBoxedValues: true,
      withDate: true,
      withMap: true,
      withNullPrototype: true,
      withObjectString: true,
      withSet: true,
      withSparseArray: true,
      withTypedArray: true,
      withUnicodeString: true,
      key,
    });
    fc.assert(
      fc.property(anything, (original) => {
        const written = encode(original);
        expect(encode(decode(written))).toBe(written);
      }),
      { seed, numRuns },
    );
  });

  it('is plain JSON exactly when JSON keeps it', () => {
    fc.assert(
      fc.property(value, (original) => {
        const written = encode(original);
        const isPlain = !written.startsWith('{"$continuum":');
        const beginsWithTag = isObject(original) && Object.keys(original)[0] === '$continuum';
        expect(isPlain).toBe(jsonKeeps(original) && !beginsWithTag);
        if (isPlain) expect(written).toBe(JSON.stringify(original));
      }),
      { seed, numRuns },
    );
  });
});

describe(`F8: any failure (seed ${seed})`, () => {
  it('has one text, whatever was left out of it', () => {
    fc.assert(
      fc.property(failure, (original) => {
        const written = encodeFailure(original);
        expect(encodeFailure(decodeFailure(written))).toBe(written);
        const inside = encode({ original });
        expect(encode(decode(inside))).toBe(inside);
      }),
      { seed, numRuns },
    );
  });
});
