import type { Type } from '@nestjs/common';
import { Injectable, Logger } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { isClass, methodOf, WorkflowContext, workflowOptionsOf } from '../core/index.js';
import type { Class } from '../core/index.js';
import type { ActivityContext } from '../engine/activities/activity-context.js';
import { handlersByName } from '../engine/registry.js';
import type { ActivityHandler, Registry } from '../engine/registry.js';
import { ActivityCatalog } from './activity-catalog.js';
import type { CatalogedActivity } from './activity-catalog.js';
import { activityMarks, compensationMarks } from './activity-marks.js';
import { ActivityRunner } from './activity-runner.js';
import { interceptorsOf, requestEnhancersOf } from './continuum-metadata.accessor.js';
import { RUN_INPUT } from './continuum.tokens.js';
import { dependenciesOf, factoryTokens, tokenName } from './dependencies.js';
import { DescribedProvider } from './described-provider.js';
import { contested } from './names.js';
import { InvalidDefinitionError } from './errors/invalid-definition.error.js';
import { WorkflowInjector } from './workflow-injection.js';
import type { ReadWorkflow } from './workflow-reader.js';
import { WorkflowReader } from './workflow-reader.js';

/** Finds the workflows and activities of the application, wherever they stand, and returns them as data. */
@Injectable()
export class ContinuumExplorer {
  readonly #logger = new Logger('ContinuumExplorer');

  constructor(
    private readonly modules: ModulesContainer,
    private readonly runner: ActivityRunner,
  ) {}

  /**
   * @param include the modules whose workflows are taken; activities are taken from everywhere, as those workflows
   * may call any. Defaults to all modules.
   * @throws InvalidDefinitionError listing everything that is wrong
   */
  explore(include?: readonly Type[]): Registry {
    const problems: string[] = [];
    const described = this.#describe();
    const providers = [...described.values()];
    const catalog = new ActivityCatalog(
      providers.filter((provider) => !provider.wrapper.isAlias),
      providers.filter((provider) => provider.wrapper.isAlias),
      problems,
    );
    const injector = new WorkflowInjector(described, catalog, problems);
    const reader = new WorkflowReader(catalog, injector, problems);
    const candidates = providers.filter(
      (provider) => !provider.wrapper.isAlias && isIncluded(provider, include),
    );
    const workflows = candidates.flatMap((provider) => reader.read(provider) ?? []);
    refuseEqualWorkflows(workflows, problems);
    refuseContestedNames(workflows, problems);
    this.#refuseInjected(described, problems);
    this.#refuseControllers(problems);
    if (problems.length > 0) throw new InvalidDefinitionError(problems);
    const activities = [...catalog.activities.values()];
    for (const activity of activities) this.#warnOfEnhancers(activity);
    return {
      workflows: workflows.map(({ definition }) => definition),
      activities: handlersByName(activities.map((activity) => this.#handlerOf(activity))),
    };
  }

  #describe(): Map<InstanceWrapper, DescribedProvider> {
    const described = new Map<InstanceWrapper, DescribedProvider>();
    for (const module of this.modules.values()) {
      for (const wrapper of module.providers.values())
        described.set(wrapper, new DescribedProvider(wrapper, module));
    }
    return described;
  }

  #handlerOf({ definition, provider, argumentsBeforeContext }: CatalogedActivity): ActivityHandler {
    const attempt = this.runner.attemptsOf(provider.wrapper, definition.method);
    const withContext = (args: readonly unknown[], context: ActivityContext): readonly unknown[] =>
      argumentsBeforeContext === null
        ? args
        : [...Array.from({ length: argumentsBeforeContext }, (_, index) => args[index]), context];
    return { definition, execute: (args, context) => attempt(withContext(args, context), context) };
  }

  /** Refuses providers that inject a workflow or its context: both belong to one run, and Nest would make one for all. */
  #refuseInjected(described: ReadonlyMap<InstanceWrapper, DescribedProvider>, problems: string[]): void {
    for (const { providers, controllers, injectables } of this.modules.values()) {
      for (const wrapper of [...providers.values(), ...controllers.values(), ...injectables.values()]) {
        // Of a workflow the injector has already said what it may not have.
        if (!wrapper.isAlias && described.get(wrapper)?.classes.some(isWorkflow)) continue;
        const name = tokenName(wrapper.token);
        for (const token of tokensOf(wrapper)) {
          if (token === WorkflowContext) {
            problems.push(
              `${name} injects WorkflowContext, which belongs to one run: only workflows have it.\n` +
                'Inject WorkflowClient to reach runs from outside; in an activity, use ActivityContext.current().',
            );
          } else if (token === RUN_INPUT) {
            problems.push(
              `${name} has @RunInput(), which belongs to one run: only workflows have it.\n` +
                'Take what it needs as an argument.',
            );
          } else if (isClass(token) && isWorkflow(token)) {
            problems.push(
              `${name} injects the workflow ${token.name}, which has one object per run.\n` +
                `Inject WorkflowClient and call start(${token.name}, …).`,
            );
          }
        }
      }
    }
  }

  #refuseControllers(problems: string[]): void {
    for (const module of this.modules.values()) {
      for (const { metatype } of module.controllers.values()) {
        if (!isClass(metatype)) continue;
        const methods = [...activityMarks.of(metatype).keys(), ...compensationMarks.of(metatype).keys()];
        for (const method of methods) {
          problems.push(
            `${metatype.name}.${String(method)} is marked @Activity() or @Compensate() in a controller. Activities belong to providers.\n` +
              'Move it to a class that is listed in "providers".',
          );
        }
      }
    }
  }

  #warnOfEnhancers({ definition, provider }: CatalogedActivity): void {
    const { wrapper, module } = provider;
    for (const type of provider.classes) {
      const method = methodOf(type, definition.method);
      for (const target of method ? [type, method] : [type]) {
        for (const decorator of requestEnhancersOf(target)) {
          this.#logger.warn(
            `${decorator} on ${type.name} has no effect on the activity ${definition.name}: guards, filters and pipes are written for requests. Use an interceptor.`,
          );
        }
        const missing = interceptorsOf(target).filter((it) => isClass(it) && !module.injectables.has(it));
        for (const interceptor of missing) {
          this.#logger.warn(
            `@UseInterceptors(${tokenName(interceptor)}) on ${type.name} has no effect on the activity ${definition.name}: Nest binds interceptors to providers that are listed as a class, and ${tokenName(wrapper.token)} is not. List the class, or give @UseInterceptors() an instance.`,
          );
        }
      }
    }
  }
}

const isWorkflow = (type: Class): boolean => workflowOptionsOf(type) !== undefined;

const isIncluded = ({ module }: DescribedProvider, include: readonly Type[] | undefined): boolean =>
  include === undefined || include.includes(module.metatype);

function refuseEqualWorkflows(workflows: readonly ReadWorkflow[], problems: string[]): void {
  const found = new Map<string, ReadWorkflow>();
  for (const workflow of workflows) {
    const { name, version } = workflow.definition;
    const key = JSON.stringify([name, version]);
    const other = found.get(key);
    if (!other) {
      found.set(key, workflow);
    } else if (other.type === workflow.type) {
      problems.push(
        `${workflow.type.name} is provided twice: in ${other.provider.module.name} and in ${workflow.provider.module.name}. A workflow stands in one module.\n` +
          'Remove it from one of them.',
      );
    } else {
      problems.push(
        `Two workflows are named "${name}" with version ${version}: ${other.type.name} and ${workflow.type.name}.\n` +
          'Give one of them another name or another version.',
      );
    }
  }
}

/** Versions of a workflow have one name. Any other two would both take runs that are stored under a name which both claim. */
function refuseContestedNames(workflows: readonly ReadWorkflow[], problems: string[]): void {
  for (const { name, by } of contested(workflows, ({ definition }) => definition)) {
    const [one, other] = by.map(
      ({ type, definition }) => `${type.name}, ${definition.name === name ? 'as its name' : 'as an alias'}`,
    );
    problems.push(
      `Two workflows claim the name "${name}": ${one}; and ${other}.\n` +
        'A run that is stored under it can mean one of them only. Give versions of one workflow the same "name", and another workflow a name of its own.',
    );
  }
}

/** What a provider, a controller or an enhancer asks Nest for. */
function tokensOf(wrapper: InstanceWrapper): readonly unknown[] {
  if (wrapper.inject) return factoryTokens(wrapper);
  return isClass(wrapper.metatype) ? dependenciesOf(wrapper.metatype).map(({ token }) => token) : [];
}
