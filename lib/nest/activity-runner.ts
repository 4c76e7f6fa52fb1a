import { Injectable } from '@nestjs/common';
import { ContextIdFactory, ModuleRef, ModulesContainer } from '@nestjs/core';
import { InterceptorsConsumer, InterceptorsContextCreator } from '@nestjs/core/interceptors/index.js';
import type { ContextId, InstanceWrapper } from '@nestjs/core/injector/instance-wrapper.js';
import { isObservable, lastValueFrom } from 'rxjs';
import { ActivityContext } from '../engine/activities/activity-context.js';
import { tokenName } from './dependencies.js';

type Call = (args: readonly unknown[]) => unknown;
type Work = (...args: unknown[]) => unknown;
type Instance = Readonly<Record<string, unknown>>;

/** Makes one attempt with these arguments: its result, or a promise of it. */
export type Attempt = (args: readonly unknown[], context: ActivityContext) => unknown;

/**
 * Runs attempts of activities on their providers. A singleton is called as it is; any other provider gets a
 * dependency injection context per attempt, whose `REQUEST` is the {@link ActivityContext}.
 */
@Injectable()
export class ActivityRunner {
  readonly #interceptors: InterceptorsContextCreator;
  readonly #consumer = new InterceptorsConsumer();

  constructor(modules: ModulesContainer) {
    // Without the application's config it knows no global interceptors: those are written for requests.
    // Of the container, it asks for the modules alone.
    const container = { getModules: () => modules } as unknown as ConstructorParameters<
      typeof InterceptorsContextCreator
    >[0];
    this.#interceptors = new InterceptorsContextCreator(container);
  }

  /** What makes the attempts of one method of a provider. Nothing is looked up before the first of them. */
  attemptsOf(provider: InstanceWrapper, method: string): Attempt {
    let call: Call | undefined;
    const singleton: Call = (args) =>
      (call ??= this.#callOf(provider, provider.instance as Instance, method))(args);
    const perAttempt = async (args: readonly unknown[], context: ActivityContext): Promise<unknown> =>
      (await this.#inContext(provider, method, context))(args);
    return (args, context) =>
      ActivityContext.run(context, () =>
        isSingleton(provider) ? singleton(args) : perAttempt(args, context),
      );
  }

  async #inContext(provider: InstanceWrapper, method: string, context: ActivityContext): Promise<Call> {
    // The module that hosts the provider: its token may mean something else elsewhere.
    const module = provider.host?.providers.get(ModuleRef)?.instance as ModuleRef;
    const contextId = ContextIdFactory.getByRequest(context);
    // A durable tree outlives the attempt: it sees what the strategy derived from it. Nest 11 leaves that to the caller.
    const request = provider.isDependencyTreeDurable() ? (contextId.payload ?? context) : context;
    module.registerRequestByContextId(request, contextId);
    const instance: Instance = await module.resolve(provider.token as string, contextId);
    return this.#callOf(provider, instance, method, contextId);
  }

  #callOf(provider: InstanceWrapper, instance: Instance, method: string, contextId?: ContextId): Call {
    // Looked up at each call, so that a spy which is put on a singleton later is seen.
    const find = (): Work => {
      const work = instance?.[method];
      if (typeof work === 'function') return work as Work;
      throw new TypeError(
        `The provider of ${tokenName(provider.token)} has no method "${method}". Is it a mock that lacks it?`,
      );
    };
    const call: Call = (args) => find().apply(instance, [...args]);
    const bound = this.#interceptors.create(
      instance,
      find(),
      provider.host?.token ?? '',
      contextId,
      provider.id,
    );
    if (bound.length === 0) return call;
    return async (args) => {
      const result = await this.#consumer.intercept(
        bound,
        [...args],
        instance,
        find(),
        async () => call(args),
        'activity',
      );
      return isObservable(result) ? lastValueFrom(result, { defaultValue: undefined }) : result;
    };
  }
}

const isSingleton = (provider: InstanceWrapper): boolean =>
  provider.isDependencyTreeStatic() && !provider.isTransient;
