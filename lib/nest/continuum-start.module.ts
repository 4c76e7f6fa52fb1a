import { Injectable, Module } from '@nestjs/common';
import type { OnApplicationBootstrap } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import { ContinuumLifecycle } from './continuum.lifecycle.js';

/** Lower than that of any other module: the root module's is not negative. */
const LAST = -1;

/**
 * Lets the workers of an application begin when everything else in it has started.
 *
 * Nest calls the bootstrap hooks of one module after another, by their distance from the root module, which comes last. This
 * module gets a distance after that, so that its hook is called when all others have ended, asynchronous ones included. It can
 * set it in a constructor: Nest computes distances before it makes the providers, and reads them when the first hook is called.
 */
@Injectable()
export class ContinuumStarter implements OnApplicationBootstrap {
  constructor(private readonly modules: ModulesContainer) {
    for (const module of modules.values())
      if (module.metatype === ContinuumStartModule) module.distance = LAST;
  }

  onApplicationBootstrap(): void {
    for (const module of this.modules.values()) {
      const lifecycle: unknown = module.providers.get(ContinuumLifecycle)?.instance;
      if (lifecycle instanceof ContinuumLifecycle) lifecycle.begin();
    }
  }
}

@Module({ providers: [ContinuumStarter] })
export class ContinuumStartModule {}
