import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { Class } from '../core/index.js';
import { isClass } from '../core/index.js';
import type { Module } from './dependencies.js';
import { tokenName } from './dependencies.js';

/**
 * A provider with the classes that say what it is: what it is made of, and what it is asked for by. A test's mock
 * has only the second, and keeps the activities and their names.
 */
export class DescribedProvider {
  /** Implementation first. */
  readonly classes: readonly Class[];

  constructor(
    readonly wrapper: InstanceWrapper,
    readonly module: Module,
  ) {
    const classes = new Set([implementationOf(wrapper), wrapper.token]);
    this.classes = [...classes].filter((c): c is Class => isClass(c) && c !== Object);
  }

  /** The class that others know it by; what its activities are named after. */
  get contract(): Class | undefined {
    return isClass(this.wrapper.token) ? this.wrapper.token : this.classes[0];
  }

  get name(): string {
    return this.contract?.name ?? tokenName(this.wrapper.token);
  }

  get isSingleton(): boolean {
    return this.wrapper.isDependencyTreeStatic() && !this.wrapper.isTransient;
  }
}

/** The class of the provider, or that of what a factory or a value gave. */
function implementationOf({ metatype, inject, instance }: InstanceWrapper): unknown {
  if (metatype && !inject) return metatype;
  if ((typeof instance !== 'object' && typeof instance !== 'function') || instance === null) return undefined;
  // Not `instance.constructor`: a provider may be a proxy that minds being asked.
  const prototype: unknown = Object.getPrototypeOf(instance);
  return prototype === null ? undefined : Object.getOwnPropertyDescriptor(prototype, 'constructor')?.value;
}
