import { afterAll, afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import { Activity, ActivityContext, JournalUnavailableError, Workflow } from 'nestjs-continuum';
import type { ContinuumModuleOptions } from 'nestjs-continuum';
import { gate } from '../support/gate.js';
import { PostgresProxy } from '../support/postgres-proxy.js';
import { closeApps, compileApp, openApp } from './support/app.js';
import type { App, AppOptions } from './support/app.js';
import { PostgresBackend } from './support/backend.js';
import { caught } from './support/helpers.js';

// The network swallows everything and tells nobody: no answer, no error, no end of a connection.

const SHUTDOWN_TIMEOUT = 300;
/** What closing may take at most, in ms. */
const BOUND = SHUTDOWN_TIMEOUT + 5_000;

let begun = gate();
let attempts: number[] = [];

@Injectable()
class Work {
  /** Never done, and deaf to a request to stop, in its first attempt. */
  @Activity() work(): Promise<string> {
    const { attempt } = ActivityContext.current();
    attempts.push(attempt);
    begun.open();
    return attempt === 1 ? new Promise(() => {}) : Promise.resolve('done');
  }
}

@Workflow({ name: 'working' })
class Working {
  constructor(private readonly work: Work) {}
  run(): Promise<string> {
    return this.work.work();
  }
}

const backend = new PostgresBackend();
let direct: ContinuumModuleOptions;
let proxy: PostgresProxy;
beforeEach(async () => {
  begun = gate();
  attempts = [];
  direct = await backend.fresh();
  proxy = await PostgresProxy.inFrontOf((direct.connection as { url: string }).url);
});
afterEach(async () => {
  await closeApps();
  await proxy.close();
});
afterAll(() => backend.clear());

const providers = [Work, Working];
const behindTheProxy = (): AppOptions => ({
  continuum: {
    ...direct,
    connection: proxy.connection,
    worker: { shutdownTimeout: SHUTDOWN_TIMEOUT, heartbeatInterval: 100, leaseTimeout: 60_000 },
  },
  providers,
});
const elapsed = async (work: () => Promise<unknown>): Promise<number> => {
  const before = performance.now();
  await work();
  return performance.now() - before;
};

describe('closing a worker whose network swallows everything', () => {
  it('takes no longer than shutdownTimeout and five seconds, and ends what waits for an answer', async () => {
    const { app, client } = await openApp(behindTheProxy());
    const run = await client.start(Working);
    await begun.opened;
    proxy.silence('everybody');
    const result = caught(run.result());
    const sending = caught(run.cancel());
    expect(await elapsed(() => app.close())).toBeLessThan(BOUND);
    expect(await sending).toBeInstanceOf(JournalUnavailableError);
    await result;
  });

  it('takes no longer while the worker is still being started', async () => {
    const { app } = await compileApp(behindTheProxy());
    proxy.silence('everybody');
    await app.init();
    expect(await elapsed(() => app.close())).toBeLessThan(BOUND);
  });

  it('takes no longer where only the listening connection is silent, and its runs are taken up at once', async () => {
    const { app, client } = await openApp(behindTheProxy());
    const { workflowId } = await client.start(Working);
    await begun.opened;
    proxy.silence('who listens');
    expect(await elapsed(() => app.close())).toBeLessThan(BOUND);
    const other: App = await openApp({ continuum: direct, providers });
    // Its lease would not have expired for a minute.
    expect(await other.client.handle(workflowId).result()).toBe('done');
    expect(attempts).toEqual([1, 2]);
  });
});
