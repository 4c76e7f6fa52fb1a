import type { ActivityDefinition, ActivityGroup } from './definitions.js';
import type { Class } from './method-marks.js';
import { methodOf } from './method-marks.js';
import { misuse } from './misuse.js';

/** Schedules an activity in the run that a proxy belongs to. */
export type Schedule = (activity: ActivityDefinition, args: readonly unknown[]) => Promise<unknown>;

/**
 * What a workflow holds instead of a provider: an object of the provider's class that has the provider's activities
 * and nothing else. Each call is asked of the one run the proxy was made for, whoever makes it (F25).
 *
 * @param type the class that workflows know the provider by
 */
export function activityProxy(group: ActivityGroup, type: Class, schedule: Schedule): object {
  // Nothing of its own, so that a run that only waits holds little (F28): its methods are made when they are asked for.
  const target = Object.freeze(Object.create(type.prototype as object) as object);
  return new Proxy(target, new ActivityProxyHandler(group, type, schedule));
}

/**
 * What runtimes, test frameworks and inspectors ask any object for: answered with `undefined`, so that a proxy can
 * be awaited, printed and compared.
 */
const HARMLESS: ReadonlySet<string> = new Set([
  'then',
  'catch',
  'finally',
  'toJSON',
  'inspect',
  'nodeType',
  'tagName',
  'asymmetricMatch',
  '_isMockFunction',
  '__esModule',
  'onModuleInit',
  'onModuleDestroy',
  'onApplicationBootstrap',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
]);
/** `$$typeof` of React elements, `@@__IMMUTABLE_…__@@` of collections. */
const HARMLESS_PREFIX = /^(\$\$|@@)/;
/** What every object has, from its class or from `Object`. */
const INHERITED: ReadonlySet<string> = new Set([
  'constructor',
  ...Object.getOwnPropertyNames(Object.prototype),
]);

class ActivityProxyHandler implements ProxyHandler<object> {
  readonly #group: ActivityGroup;
  readonly #type: Class;
  readonly #schedule: Schedule;

  constructor(group: ActivityGroup, type: Class, schedule: Schedule) {
    this.#group = group;
    this.#type = type;
    this.#schedule = schedule;
  }

  get(target: object, key: string | symbol): unknown {
    if (typeof key === 'symbol') return Reflect.get(target, key);
    const activity = this.#group.activities.get(key);
    if (activity) return (...args: unknown[]): Promise<unknown> => this.#schedule(activity, args);
    if (INHERITED.has(key)) return Reflect.get(target, key);
    if (HARMLESS.has(key) || HARMLESS_PREFIX.test(key)) return undefined;
    // Reading a method is harmless, and test frameworks do it: calling it is the mistake.
    if (methodOf(this.#type, key)) return () => this.#refuseCall(key);
    return this.#refuseRead(key);
  }

  set(_target: object, key: string | symbol): never {
    throw misuse(
      new TypeError(
        `${this.#type.name}.${String(key)} cannot be set from a workflow: what it holds is a proxy of the run, not the provider.\n` +
          'Keep the state of a run in fields of the workflow.',
      ),
    );
  }

  #refuseCall(method: string): never {
    throw misuse(
      new TypeError(
        `${this.#type.name}.${method}() is not an activity, so a workflow cannot call it.\n` +
          'Mark it @Activity() if it reaches the outside, or move it to a @WorkflowSafe() class if it only computes.',
      ),
    );
  }

  #refuseRead(key: string): never {
    const { name } = this.#type;
    const names = [...this.#group.activities.keys()].join(', ');
    throw misuse(
      new TypeError(
        `${name}.${key} is not an activity. A workflow sees the activities of ${name} only: ${names}.`,
      ),
    );
  }
}
