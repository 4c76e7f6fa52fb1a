import type { InjectionToken } from '@nestjs/common';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import type { ActivityGroup, Class, RunBinding } from '../core/index.js';
import { activityProxy, WorkflowContext, workflowOptionsOf } from '../core/index.js';
import type { ActivityCatalog } from './activity-catalog.js';
import { isSafeProperty, isWorkflowSafe, safeParametersOf } from './continuum-metadata.accessor.js';
import type { Dependency, DependencyPlace } from './dependencies.js';
import { constructorOwner, findProvider, tokenName } from './dependencies.js';
import { RUN_INPUT } from './continuum.tokens.js';
import type { DescribedProvider } from './described-provider.js';
import { isWorkflowClientToken } from './workflow-client.token.js';

/** What a workflow's object gets for one of its dependencies. */
export type Injection =
  | { readonly type: 'activities'; readonly group: ActivityGroup; readonly contract: Class }
  | { readonly type: 'context' }
  | { readonly type: 'input' }
  | { readonly type: 'safe'; readonly wrapper: InstanceWrapper }
  | { readonly type: 'absent' };

/** The value for one run. */
export function injected(injection: Injection, binding: RunBinding): unknown {
  switch (injection.type) {
    case 'activities':
      return activityProxy(injection.group, injection.contract, (activity, args) =>
        binding.schedule(activity, args),
      );
    case 'context':
      return binding.context;
    case 'input':
      return binding.context.info.input;
    case 'safe':
      return injection.wrapper.instance;
    case 'absent':
      return undefined;
    default:
      return injection satisfies never;
  }
}

/** Decides what the dependencies of workflows are. Adds what cannot be injected to `problems`. */
export class WorkflowInjector {
  readonly #providers: ReadonlyMap<InstanceWrapper, DescribedProvider>;
  readonly #catalog: ActivityCatalog;
  readonly #problems: string[];

  constructor(
    providers: ReadonlyMap<InstanceWrapper, DescribedProvider>,
    catalog: ActivityCatalog,
    problems: string[],
  ) {
    this.#providers = providers;
    this.#catalog = catalog;
    this.#problems = problems;
  }

  /** What Nest would give `type` for the dependency, as far as a workflow may have it. */
  resolve(type: Class, workflow: DescribedProvider, dependency: Dependency): Injection {
    const { token, place } = dependency;
    if (token === RUN_INPUT) return { type: 'input' };
    const found = token === WorkflowContext ? 'context' : this.#find(workflow, dependency);
    if (found === 'context') return { type: 'context' };
    if (found === 'absent') return { type: 'absent' };
    const injection =
      typeof found === 'string' ? found : this.#injectionOf(found, token!, isMarkedSafe(type, place));
    if (typeof injection !== 'string') return injection;
    this.#problems.push(`${describePlace(type, dependency)} ${injection}`);
    return { type: 'absent' };
  }

  #find(
    workflow: DescribedProvider,
    { token, optional }: Dependency,
  ): DescribedProvider | 'absent' | (string & {}) {
    if (token === undefined || token === Object) {
      return (
        'has no type at run time.\n' +
        'Import its class without "type"; write "x?: Class" instead of "x: Class | undefined"; where two files import each other, write @Inject(forwardRef(() => …)).'
      );
    }
    const wrapper = findProvider(workflow.module, token);
    const provider = wrapper && this.#providers.get(wrapper);
    if (provider) return provider;
    if (optional) return 'absent';
    return (
      `is not available in ${workflow.module.name}.\n` +
      'Add it to the "providers" of the module, or import the module that exports it.'
    );
  }

  /** What a provider is inside a workflow, or why it cannot be there. */
  #injectionOf(provider: DescribedProvider, token: InjectionToken, markedHere: boolean): Injection | string {
    const group = this.#catalog.groupOf(provider);
    const safe = markedHere || provider.classes.some((type) => isWorkflowSafe(type));
    if (group && safe) {
      return (
        `is marked @WorkflowSafe() and has activities (${[...group.activities.keys()].join(', ')}). A workflow gets a provider either as it is or as its activities.\n` +
        'Remove @WorkflowSafe(), or move what only computes to a class of its own.'
      );
    }
    if (group) return { type: 'activities', group, contract: provider.contract! };
    if (safe && provider.isSingleton) return { type: 'safe', wrapper: provider.wrapper };
    if (safe) {
      return (
        'is marked @WorkflowSafe(), but is not a singleton. What a workflow sees is the same at every replay.\n' +
        'Give it, and what it depends on, the default scope.'
      );
    }
    if (isWorkflowClientToken(token)) {
      return 'cannot be used inside a workflow: its calls would not be journaled.\nCall it from an activity.';
    }
    if (provider.classes.some((type) => workflowOptionsOf(type))) {
      return 'is a workflow. A workflow has one object per run, so none can be injected.\nStart it from an activity.';
    }
    return (
      'is neither a provider of activities nor safe inside a workflow.\n' +
      'If it reaches the outside (a database, the network, the clock), mark its methods @Activity(), or call it from an activity.\n' +
      'If it only computes, mark it @WorkflowSafe().'
    );
  }
}

function isMarkedSafe(type: Class, place: DependencyPlace): boolean {
  return place.type === 'parameter'
    ? safeParametersOf(constructorOwner(type)).includes(place.index)
    : isSafeProperty(type, place.key);
}

function describePlace(type: Class, { place, token }: Dependency): string {
  const name = token === undefined ? 'of unknown type' : tokenName(token);
  return place.type === 'parameter'
    ? `Parameter ${place.index + 1} of ${type.name}'s constructor (${name})`
    : `Property "${String(place.key)}" of ${type.name} (${name})`;
}
