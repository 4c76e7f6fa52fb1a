import type { InjectionToken } from '@nestjs/common';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { Class } from '../core/index.js';
import { classesOf } from '../core/index.js';
import { NEST_METADATA } from './continuum.constants.js';

export type Module = NonNullable<InstanceWrapper['host']>;

/** Something that a class asks Nest for. */
export interface Dependency {
  /** `undefined` when nothing is known of it at run time. */
  readonly token: InjectionToken | undefined;
  readonly optional: boolean;
  readonly place: DependencyPlace;
}
export type DependencyPlace =
  | { readonly type: 'parameter'; readonly index: number }
  | { readonly type: 'property'; readonly key: string | symbol };

interface InjectedParameter {
  readonly index: number;
  readonly param: unknown;
}
interface InjectedProperty {
  readonly key: string | symbol;
  readonly type: unknown;
}

/** What Nest would inject: parameter types, `@Inject()` over them, `@Optional()`, properties, `forwardRef` resolved. */
export function dependenciesOf(type: Class): Dependency[] {
  return [...parametersOf(type), ...propertiesOf(type)];
}

function parametersOf(type: Class): Dependency[] {
  const tokens = [...inherited(NEST_METADATA.parameterTypes, type)];
  const injected = inherited(NEST_METADATA.injectedParameters, type) as readonly InjectedParameter[];
  for (const { index, param } of injected) tokens[index] = param;
  const optional = own(NEST_METADATA.optionalParameters, constructorOwner(type));
  // `Array.from` visits the holes as well: parameters of which nothing is known.
  return Array.from(tokens, (token, index) => ({
    token: resolved(token),
    optional: optional.includes(index),
    place: { type: 'parameter', index },
  }));
}

function propertiesOf(type: Class): Dependency[] {
  const optional = inherited(NEST_METADATA.optionalProperties, type);
  const injected = inherited(NEST_METADATA.injectedProperties, type) as readonly InjectedProperty[];
  return injected.map(({ key, type: token }) => ({
    token: resolved(token),
    optional: optional.includes(key),
    place: { type: 'property', key },
  }));
}

const inherited = (key: string, type: Class): readonly unknown[] =>
  (Reflect.getMetadata(key, type) as unknown[] | undefined) ?? [];
const own = (key: string, type: Class): readonly unknown[] =>
  (Reflect.getOwnMetadata(key, type) as unknown[] | undefined) ?? [];

/** The class that declares the constructor which `new type()` runs. */
export function constructorOwner(type: Class): Class {
  const keys = [
    NEST_METADATA.parameterTypes,
    NEST_METADATA.injectedParameters,
    NEST_METADATA.optionalParameters,
  ];
  return classesOf(type).find((c) => keys.some((key) => Reflect.hasOwnMetadata(key, c))) ?? type;
}

/**
 * How many constructor parameters there are of which nothing is known: an undecorated base class, or a compiler that
 * emits no metadata. Nest passes nothing for them.
 */
export function blindParameters(type: Class): number {
  const known = [NEST_METADATA.parameterTypes, NEST_METADATA.injectedParameters];
  if (known.some((key) => Reflect.hasMetadata(key, type))) return 0;
  return classesOf(type).find((c) => c.length > 0 || declaresConstructor(c))?.length ?? 0;
}

/** A constructor without parameters hides that of the base class. Where the source does not tell, none is assumed. */
const declaresConstructor = (type: Class): boolean =>
  /\bconstructor\s*\(/.test(Function.prototype.toString.call(type));

/** What the factory of a provider asks for. */
export function factoryTokens(wrapper: InstanceWrapper): (InjectionToken | undefined)[] {
  return (wrapper.inject ?? []).map((item) =>
    resolved(typeof item === 'object' && item !== null && 'token' in item ? item.token : item),
  );
}

/** The provider that a token means inside a module: its own, or one that an import exports. Aliases are followed. */
export function findProvider(module: Module, token: InjectionToken): InstanceWrapper | undefined {
  let found = module.providers.get(token) ?? findExported(module, token, new Set(), false);
  const seen = new Set<InstanceWrapper>();
  while (found?.isAlias && found.host && !seen.has(found)) {
    seen.add(found);
    const target = factoryTokens(found)[0];
    found = target === undefined ? undefined : findProvider(found.host, target);
  }
  return found;
}

/** In the order of Nest's injector, so that a workflow means the same provider as a service beside it would. */
function findExported(
  module: Module,
  token: InjectionToken,
  seen: Set<string>,
  nested: boolean,
): InstanceWrapper | undefined {
  for (const imported of module.imports) {
    if (!imported || (nested && !module.exports.has(imported.metatype)) || seen.has(imported.id)) continue;
    seen.add(imported.id);
    const exported = imported.exports.has(token) ? imported.providers.get(token) : undefined;
    const found = exported ?? findExported(imported, token, seen, true);
    if (found) return found;
  }
  return undefined;
}

function resolved(token: unknown): InjectionToken | undefined {
  const isForwardRef = typeof token === 'object' && token !== null && 'forwardRef' in token;
  // What Nest's metadata holds is a token, or a reference to one that is read late.
  return (isForwardRef ? (token.forwardRef as () => unknown)() : token) as InjectionToken | undefined;
}

/** How a token is shown to people. */
export function tokenName(token: unknown): string {
  if (typeof token === 'function') return token.name || 'an unnamed class';
  return typeof token === 'string' ? `"${token}"` : String(token);
}
