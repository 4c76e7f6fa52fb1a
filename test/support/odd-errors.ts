/** What code can throw, though nobody would expect it: made anew for each test, since reading one may change it. */
export const ODD: Readonly<Record<string, () => unknown>> = {
  null: () => null,
  undefined: () => undefined,
  'a symbol': () => Symbol('odd'),
  'an object whose toString is no function': () => ({ toString: 'x' }),
  'an object without a prototype': () => Object.create(null) as unknown,
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  'a proxy that throws at everything': () => {
    const trap = (): never => {
      throw new RangeError('not for you');
    };
    const traps = Object.fromEntries(Object.getOwnPropertyNames(Reflect).map((name) => [name, trap]));
    return new Proxy({}, traps);
  },
  'an error whose getters throw': () => {
    const throws = {
      configurable: true,
      get(): never {
        throw new Error('a getter');
      },
    };
    return Object.defineProperties(new Error('odd'), {
      name: throws,
      message: throws,
      stack: throws,
      cause: throws,
      errors: throws,
      [Symbol.toStringTag]: throws,
    });
  },
  'an error whose fields are no strings': () =>
    Object.assign(new Error('odd'), { name: Symbol('name'), message: { toString: 1 }, stack: ['frames'] }),
  'an error whose causes go round': () => {
    const error: Error = new Error('odd');
    error.cause = new AggregateError([error], 'around', { cause: error });
    return Object.assign(error, { name: 'ActivityFailure' });
  },
  'an aggregate of itself': () => {
    const error = new AggregateError([], 'odd');
    error.errors.push(error, error);
    return error;
  },
  'an aggregate of a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable([], {});
    revoke();
    return Object.assign(new AggregateError([], 'odd'), { errors: proxy });
  },
  'an error with a message of 5 MB': () => new Error('x'.repeat(5_000_000)),
  'a chain of 2,000 causes': () => {
    let error = new Error('the first');
    for (let i = 0; i < 2_000; i++) error = new Error('odd', { cause: error });
    return error;
  },
};
