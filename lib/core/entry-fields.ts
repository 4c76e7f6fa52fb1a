import type { CarriedSignal, CommandId, SideEffectOutcome } from './history.js';

/**
 * What a field of an entry holds, and where a journal with rows keeps it. An entry has room for one number of a command,
 * one name and one payload; everything else of it is kept together, as its facts.
 */
export type EntryField = CommandField | NameField | PayloadField | FactField;

/** The command that this entry is (`id` of a command) or is about. */
export interface CommandField {
  readonly part: 'command';
  readonly holds: 'command';
}
/** What the entry is called by: an activity, a signal, a timer. */
export interface NameField {
  readonly part: 'name';
  readonly holds: 'text';
}
/** The one text of the codec that can be large. */
export interface PayloadField {
  readonly part: 'payload';
  readonly holds: 'value' | 'failure' | 'outcome';
}
export interface FactField {
  readonly part: 'fact';
  /**
   * - `value`: a text of the codec, for which the payload has no room any more;
   * - `text`: a text of any length that is not the codec's;
   * - `list`: numbers, any number of them; an empty list is not stored;
   * - `signals`: signals, each with a text of the codec;
   * - `plain`: a number, a flag, a word or a small object.
   */
  readonly holds: 'value' | 'text' | 'list' | 'signals' | 'plain';
  /** Is not stored: what has no such fact has this. */
  readonly usual?: Usual;
}
type Usual = null | false | 0 | undefined;

export const command = { part: 'command', holds: 'command' } as const;
export const name = { part: 'name', holds: 'text' } as const;
export const value = { part: 'payload', holds: 'value' } as const;
export const failure = { part: 'payload', holds: 'failure' } as const;
export const outcome = { part: 'payload', holds: 'outcome' } as const;
export const carried = { part: 'fact', holds: 'signals' } as const;
export const list = { part: 'fact', holds: 'list' } as const;
/** A list that an entry may lack. */
export const listIfAny = { part: 'fact', holds: 'list', usual: undefined } as const;
/** A fact that every entry of its type has, or one that may be missing in the entry too (`?`). */
export const fact = { part: 'fact', holds: 'plain' } as const;
export const textFact = { part: 'fact', holds: 'text' } as const;
/** A value of the codec that may be missing in the entry too (`?`). */
export const valueFact = { part: 'fact', holds: 'value' } as const;
/** Facts that are mostly the same, and are stored where they are not. */
export const factOrNull = { part: 'fact', holds: 'plain', usual: null } as const;
export const factOrFalse = { part: 'fact', holds: 'plain', usual: false } as const;
export const factOrZero = { part: 'fact', holds: 'plain', usual: 0 } as const;
export const textOrNull = { part: 'fact', holds: 'text', usual: null } as const;
export const valueOrNull = { part: 'fact', holds: 'value', usual: null } as const;

/**
 * What a field of this type may be declared as. A text of any length is never `plain`, so that nothing large can be
 * taken for something small.
 */
export type FieldFor<V> = [V] extends [SideEffectOutcome]
  ? typeof outcome
  : [V] extends [readonly number[]]
    ? typeof list
    : [V] extends [readonly CarriedSignal[] | undefined]
      ? typeof carried
      : [V] extends [readonly number[] | undefined]
        ? typeof listIfAny
        : string extends V
          ? TextField<V>
          : PlainField<V> | ([V] extends [CommandId] ? CommandField : never);

type TextField<V> = NameField | typeof value | typeof failure | FactOf<V, 'value' | 'text'>;
type PlainField<V> = FactOf<V, 'plain'>;

interface FactOf<V, Holds extends FactField['holds']> {
  readonly part: 'fact';
  readonly holds: Holds;
  readonly usual?: undefined extends V ? never : UsualOf<V>;
}
/** One that the field can have; distributes over `U`. */
type UsualOf<V, U = Usual> = U extends V ? U : never;
