import { textOf } from '../thrown.js';

/** What stands in the way of storing, and what to do instead. */
export interface Refusal {
  /** `A function`; the message goes on with "cannot be stored". */
  readonly what: string;
  readonly remedy: string;
}

export const A_FUNCTION: Refusal = {
  what: 'A function',
  remedy: 'Store data, and let the code that reads it choose the function.',
};
export const A_SYMBOL: Refusal = {
  what: 'A symbol',
  remedy: 'Store a string instead.',
};
export const A_PROMISE: Refusal = {
  what: 'A promise (or another object with a `then` method)',
  remedy: 'Await it first, and store what it gives.',
};
export const A_STREAM: Refusal = {
  what: 'A stream (or another object with a `pipe` method)',
  remedy: 'Store where its content is to be found, or read it first.',
};

export function tooDeep(deepest: number): Refusal {
  return {
    what: `A value nested more than ${deepest} levels deep`,
    remedy: 'Store long chains as an array whose items name each other by id.',
  };
}

/** For platform objects (a `WeakMap`, a `Blob`, a `Request`, a generator) whose content cannot be read as data. */
export function opaque(tag: string): Refusal {
  return {
    what: `An object of the kind ${tag}`,
    remedy: 'Store the plain data it stands for; a class can give it by a `toJSON` method.',
  };
}

export function unreadable(error: unknown): Refusal {
  return {
    what: `A value that throws when it is read (${textOf(error).slice(0, 200)})`,
    remedy: 'Its getter, its proxy or its `toJSON` method threw: store a plain copy.',
  };
}
