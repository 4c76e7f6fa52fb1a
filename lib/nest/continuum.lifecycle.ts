import { Inject, Injectable } from '@nestjs/common';
import type {
  BeforeApplicationShutdown,
  OnApplicationShutdown,
  OnModuleDestroy,
  OnModuleInit,
} from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { ContinuumRuntime } from '../runtime/index.js';
import type { Journal } from '../journal/index.js';
import { ContinuumExplorer } from './continuum.explorer.js';
import type { ContinuumModuleExtras } from './continuum.options.js';
import { tokenName } from './dependencies.js';
import { InvalidOptionError } from './errors/invalid-option.error.js';
import { CONTINUUM_EXTRAS, CONTINUUM_JOURNAL } from './continuum.tokens.js';

/**
 * Starts and stops the runtime at Nest's hooks. Nest calls every hook twice when `app.close()` is called
 * twice, and the shutdown hooks also without the others.
 */
@Injectable()
export class ContinuumLifecycle
  implements OnModuleInit, OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown
{
  #closing = false;
  #closed: Promise<void> | undefined;
  #beginning: Promise<void> = Promise.resolve();

  constructor(
    private readonly runtime: ContinuumRuntime,
    private readonly explorer: ContinuumExplorer,
    private readonly modules: ModulesContainer,
    @Inject(CONTINUUM_JOURNAL) private readonly journal: Journal,
    @Inject(CONTINUUM_EXTRAS) private readonly extras: ContinuumModuleExtras,
  ) {}

  async onModuleInit(): Promise<void> {
    try {
      this.#refuseTwins();
      this.#refuseAbsentModules();
      this.runtime.register(this.explorer.explore(this.extras.include));
    } catch (error) {
      // Nest closes no application that could not begin, and an open connection would keep its process.
      await this.journal.close();
      throw error;
    }
  }

  /** Called once every bootstrap hook of the application has ended. The application does not wait for the worker to begin. */
  begin(): void {
    if (!this.#closing) this.#beginning = this.#begin();
  }

  async onModuleDestroy(): Promise<void> {
    this.#closing = true;
    // A worker that still waits for its journal gives up.
    if (!this.runtime.engine) this.runtime.journalRetry.end();
    await this.runtime.stopClaiming();
  }

  /** Before TypeORM and whatever activities use are closed. */
  async beforeApplicationShutdown(): Promise<void> {
    this.#closing = true;
    await this.runtime.closing.meet(this.#beginning);
    await this.runtime.drain();
  }

  async onApplicationShutdown(): Promise<void> {
    this.#closing = true;
    await this.runtime.close();
    await (this.#closed ??= this.journal.close());
  }

  async #begin(): Promise<void> {
    try {
      await this.runtime.journalRetry.through('starting the worker', () => this.runtime.startWorker(), {
        again: () => !this.#closing,
      });
    } catch {
      // The error has been told, and the application is closing.
    }
  }

  #refuseTwins(): void {
    const twins = [...this.modules.values()].filter((module) => {
      const extras = module.providers.get(CONTINUUM_EXTRAS)?.instance as ContinuumModuleExtras | undefined;
      return extras !== undefined && extras.name === this.extras.name;
    });
    if (twins.length < 2) return;
    const which = this.extras.name === undefined ? 'without a name' : `with the name "${this.extras.name}"`;
    throw new InvalidOptionError([
      `ContinuumModule.forRoot() stands in this application twice ${which}. Import it once, in the root module; a second instance needs a name of its own: forRoot({ name: '…' }).`,
    ]);
  }

  #refuseAbsentModules(): void {
    const present = new Set<unknown>([...this.modules.values()].map((module) => module.metatype));
    const absent = (this.extras.include ?? []).filter((module) => !present.has(module));
    if (absent.length === 0) return;
    throw new InvalidOptionError(
      absent.map(
        (module) =>
          `include names ${tokenName(module)}, which is no module of this application. Import it, or remove it from "include".`,
      ),
    );
  }
}
