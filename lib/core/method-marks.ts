/** Any class, abstract or not. */
export type Class = abstract new (...dependencies: never[]) => object;

type Marks<Mark> = Map<string | symbol, Mark[]>;

/**
 * What decorators leave on the methods of a class: on its prototype, under a registered symbol. So two copies of
 * this package in one process (ESM and CommonJS) read each other's marks, and nothing has to be loaded to read them.
 */
export class MethodMarks<Mark> {
  readonly #key: symbol;

  constructor(key: string) {
    this.#key = Symbol.for(key);
  }

  /** `target` is what a method decorator gets: the prototype, or the class itself for a static method. */
  add(target: object, method: string | symbol, mark: Mark): void {
    const own = this.#own(target) ?? new Map<string | symbol, Mark[]>();
    Object.defineProperty(target, this.#key, { value: own, configurable: true });
    const marks = own.get(method);
    if (marks) marks.push(mark);
    else own.set(method, [mark]);
  }

  /**
   * The marks by method, inherited ones too. Of a method that several classes of the chain have marked, the marks
   * of the most derived one count; an override without a mark keeps those it inherits.
   */
  of(type: Class): ReadonlyMap<string | symbol, readonly Mark[]> {
    return this.#collect(prototypesOf(type));
  }

  /** The marks on static methods, which are always a mistake. */
  ofStatics(type: Class): ReadonlyMap<string | symbol, readonly Mark[]> {
    return this.#collect(classesOf(type));
  }

  #collect(chain: readonly object[]): Marks<Mark> {
    const found: Marks<Mark> = new Map();
    for (const target of chain.toReversed()) {
      for (const [method, marks] of this.#own(target) ?? []) found.set(method, marks);
    }
    return found;
  }

  #own(target: object): Marks<Mark> | undefined {
    // The key is private to this class of marks: whatever stands there was put by `add`.
    return Object.getOwnPropertyDescriptor(target, this.#key)?.value as Marks<Mark> | undefined;
  }
}

/** The class and what it extends, most derived first. */
export function classesOf(type: Class): Class[] {
  const chain: Class[] = [];
  for (let c: unknown = type; isClass(c); c = Object.getPrototypeOf(c)) chain.push(c);
  return chain;
}

export const prototypesOf = (type: Class): object[] => classesOf(type).map((c) => c.prototype as object);

/** Whether a value can be asked for `new`: classes and old-style constructor functions, not arrow functions. */
export const isClass = (value: unknown): value is Class =>
  typeof value === 'function' && typeof (value as { prototype?: unknown }).prototype === 'object';

/** The method of that name, without running a getter; `undefined` when there is none. */
export function methodOf(type: Class, method: string | symbol): ((...args: never[]) => unknown) | undefined {
  for (const prototype of prototypesOf(type)) {
    const descriptor = Object.getOwnPropertyDescriptor(prototype, method);
    if (descriptor) return typeof descriptor.value === 'function' ? descriptor.value : undefined;
  }
  return undefined;
}
