import { Scope } from '@nestjs/common';
import type {
  Class,
  Duration,
  RunBinding,
  RunLimits,
  WorkflowDefinition,
  WorkflowInstance,
  WorkflowOptions,
} from '../core/index.js';
import {
  compensationOf,
  handlerMarks,
  isClass,
  isStandardSchema,
  limitsOf,
  messageOf,
  milliseconds,
  methodOf,
  nameProblem,
  workflowOptionsOf,
} from '../core/index.js';
import type { ActivityCatalog } from './activity-catalog.js';
import { scopeAskedFor } from './continuum-metadata.accessor.js';
import { blindParameters, dependenciesOf } from './dependencies.js';
import { aliasesProblem } from './names.js';
import { readHandlers } from './handler-reader.js';
import type { DescribedProvider } from './described-provider.js';
import type { Injection, WorkflowInjector } from './workflow-injection.js';
import { injected } from './workflow-injection.js';

/** A workflow, and the provider that declares it. */
export interface ReadWorkflow {
  readonly definition: WorkflowDefinition;
  readonly provider: DescribedProvider;
  readonly type: Class;
}

type Constructor = new (...dependencies: unknown[]) => WorkflowInstance;

/** Makes definitions of providers that are workflows. Adds what is wrong with them to `problems`. */
export class WorkflowReader {
  readonly #catalog: ActivityCatalog;
  readonly #injector: WorkflowInjector;
  readonly #problems: string[];

  constructor(catalog: ActivityCatalog, injector: WorkflowInjector, problems: string[]) {
    this.#catalog = catalog;
    this.#injector = injector;
    this.#problems = problems;
  }

  /** `undefined` when the provider is no workflow, or cannot be one. */
  read(provider: DescribedProvider): ReadWorkflow | undefined {
    const marked = provider.classes.find((type) => workflowOptionsOf(type));
    if (!marked) {
      this.#refuseStrayHandlers(provider);
      return undefined;
    }
    const { metatype, inject } = provider.wrapper;
    if (!isClass(metatype) || inject) {
      this.#problems.push(
        `${marked.name} is provided by a factory or as a value, but a workflow has one object per run, which Continuum makes.\n` +
          'List the class itself in "providers".',
      );
      return undefined;
    }
    const options = workflowOptionsOf(marked)!;
    this.#checkOptions(marked, options);
    this.#checkClass(metatype, provider);
    const definition = this.#define(metatype, marked, options, provider);
    return { definition, provider, type: marked };
  }

  #define(
    type: Class,
    marked: Class,
    options: WorkflowOptions,
    provider: DescribedProvider,
  ): WorkflowDefinition {
    const dependencies = dependenciesOf(type).map((dependency) => ({
      place: dependency.place,
      injection: this.#injector.resolve(type, provider, dependency),
    }));
    const parameters: Injection[] = [];
    const properties = new Map<string | symbol, Injection>();
    for (const { place, injection } of dependencies) {
      if (place.type === 'parameter') parameters.push(injection);
      else properties.set(place.key, injection);
    }
    return {
      name: options.name ?? marked.name,
      // What else was given is told with the other problems.
      aliases: Array.isArray(options.aliases) ? [...options.aliases] : [],
      version: options.version ?? 1,
      ...compensationOf(options.compensation),
      mistakes: options.mistakes,
      input: options.input,
      limits: limitsOrNone(options),
      ...readHandlers(type, marked, this.#problems),
      // Nest makes objects of this class in the same way; that it has `run` was checked.
      construct: (binding) => construct(type as unknown as Constructor, parameters, properties, binding),
      activitiesOf: (token) => this.#catalog.groupOfClass(token),
    };
  }

  #checkOptions(type: Class, options: WorkflowOptions): void {
    const refuse = (problem: string): unknown =>
      this.#problems.push(`@Workflow() of ${type.name}: ${problem}`);
    const {
      name,
      aliases,
      version,
      input,
      compensation,
      mistakes,
      executionTimeout,
      runTimeout,
      ...unknown
    } = options;
    if (name === undefined && type.name === '') {
      refuse(
        "the class has no name, and histories know a workflow by name. Give one: @Workflow({ name: '…' }).",
      );
    } else {
      const problem = nameProblem(name ?? type.name);
      if (problem !== undefined) refuse(`"name" ${problem}.`);
    }
    const ofAliases = aliasesProblem(aliases, name ?? type.name);
    if (ofAliases !== null) refuse(ofAliases);
    if (version !== undefined && !(Number.isInteger(version) && version >= 1)) {
      refuse(`"version" is a whole number from 1, not ${shown(version)}.`);
    }
    if (input !== undefined && !isStandardSchema(input)) {
      refuse('"input" is a Standard Schema, such as one of zod, valibot or arktype.');
    }
    const ofCompensation = compensationProblem(compensation);
    if (ofCompensation !== null) refuse(ofCompensation);
    if (mistakes !== undefined && mistakes !== 'fail' && mistakes !== 'block') {
      refuse(`"mistakes" is "fail" or "block", not ${shown(mistakes)}.`);
    }
    for (const [key, limit] of Object.entries({ executionTimeout, runTimeout })) {
      const problem = limit === undefined ? undefined : limitProblem(limit);
      if (problem !== undefined) refuse(`"${key}" ${problem}`);
    }
    for (const key of Object.keys(unknown)) {
      refuse(
        `"${key}" is an unknown option. There are name, aliases, version, input, compensation, mistakes, executionTimeout, runTimeout.`,
      );
    }
  }

  #checkClass(type: Class, provider: DescribedProvider): void {
    const refuse = (problem: string): unknown => this.#problems.push(`${type.name} ${problem}`);
    if (!methodOf(type, 'run')) {
      refuse('is a workflow without run(). Write async run(ctx: WorkflowContext, input) { … }.');
    }
    if (provider.wrapper.scope === Scope.REQUEST || scopeAskedFor(type) === Scope.REQUEST) {
      refuse(
        'is a request-scoped workflow, but a workflow belongs to no request: it has one object per run.\n' +
          'Remove the scope from @Injectable(), and hand what it needs of the request to start().',
      );
    }
    const misplaced = this.#catalog.methodsOf(provider);
    if (misplaced.length > 0) {
      refuse(
        `has methods marked @Activity() or @Compensate() (${misplaced.join(', ')}), but is a workflow: run() would simply call them, and nothing would be journaled.\n` +
          'Move them to a provider, and inject that provider into the workflow.',
      );
    }
    const blind = blindParameters(type);
    if (blind > 0) {
      refuse(
        `has a constructor with ${blind} parameter${blind === 1 ? '' : 's'} whose types are not known at run time.\n` +
          'Decorate the base class that declares the constructor with @Injectable(), and compile with emitDecoratorMetadata (tsx and esbuild emit none).',
      );
    }
  }

  #refuseStrayHandlers(provider: DescribedProvider): void {
    for (const type of provider.classes) {
      const methods = [...handlerMarks.of(type).keys()].map(String);
      if (methods.length === 0) continue;
      this.#problems.push(
        `${type.name} has methods marked @OnSignal(), @OnUpdate(), @ValidateUpdate() or @OnQuery() (${methods.join(', ')}), but is no workflow, so nothing reaches them.\n` +
          'Mark the class @Workflow(), or remove it from "providers" if it is the base class of one.',
      );
    }
  }
}

/** Dependencies are resolved again for every object, because proxies of activities are bound to one run. */
function construct(
  type: Constructor,
  parameters: readonly Injection[],
  properties: ReadonlyMap<string | symbol, Injection>,
  binding: RunBinding,
): WorkflowInstance {
  const instance = new type(...parameters.map((injection) => injected(injection, binding)));
  for (const [key, injection] of properties) {
    // As Nest does: a field keeps its initial value where an optional dependency is missing.
    if (injection.type !== 'absent') Reflect.set(instance, key, injected(injection, binding));
  }
  return instance;
}

/** What is wrong with them is told with the other options. */
function limitsOrNone(options: WorkflowOptions): RunLimits {
  try {
    return limitsOf(options);
  } catch {
    return { run: null, chain: null };
  }
}

/** The rule that a time limit breaks; `undefined` for none. */
function limitProblem(limit: Duration): string | undefined {
  try {
    return milliseconds(limit) > 0 ? undefined : 'must be more than nothing.';
  } catch (error) {
    return `is a duration: ${messageOf(error)}`;
  }
}

const shown = (value: unknown): string => (typeof value === 'string' ? `"${value}"` : String(value));

/** What is wrong with the option; code without types can hand over anything. */
function compensationProblem(option: unknown): string | null {
  const isWord = typeof option !== 'object' || option === null;
  const { mode, order, ...unknown }: Readonly<Record<string, unknown>> = isWord
    ? { mode: option }
    : { ...option };
  if (mode !== undefined && mode !== 'automatic' && mode !== 'manual') {
    return `"compensation${isWord ? '' : '.mode'}" is "automatic" or "manual", not ${shown(mode)}.`;
  }
  if (order !== undefined && order !== 'reverse' && order !== 'parallel') {
    return `"compensation.order" is "reverse" or "parallel", not ${shown(order)}.`;
  }
  const [key] = Object.keys(unknown);
  return key === undefined ? null : `"compensation.${key}" is an unknown option. There are mode and order.`;
}
