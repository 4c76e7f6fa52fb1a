import { afterAll, afterEach, describe, expect, it, jest } from '@jest/globals';
import type { Journal } from '../../lib/journal/index.js';
import { CONTINUUM_JOURNAL } from '../../lib/nest/continuum.tokens.js';
import { closeApps, openApp } from './support/app.js';
import { CountingWorkflow, describeQueries } from './suites/queries.js';
import { PostgresBackend } from './support/backend.js';

describeQueries(new PostgresBackend(), 'sticky');

describe('queries of other processes', () => {
  const backend = new PostgresBackend();
  afterEach(closeApps);
  afterAll(() => backend.clear());

  it('see what was acknowledged before, whoever holds the run', async () => {
    const continuum = await backend.fresh();
    await openApp({ continuum, providers: [CountingWorkflow] });
    const [one, two] = [
      await openApp({ continuum: { ...continuum, worker: false }, providers: [CountingWorkflow] }),
      await openApp({ continuum: { ...continuum, worker: false }, providers: [CountingWorkflow] }),
    ];
    const handle = await one.client.start(CountingWorkflow);
    const elsewhere = two.client.handle(CountingWorkflow, handle.workflowId);
    const seen: number[] = [];
    for (let i = 1; i <= 30; i++) {
      for (let n = 0; n < 3; n++) await handle.signal('add', 1);
      seen.push(await elsewhere.query('total'));
    }
    expect(seen).toEqual(Array.from({ length: 30 }, (_, i) => 3 * (i + 1)));
  });

  it('of a run that nobody takes up are answered from what is committed', async () => {
    const continuum = await backend.fresh();
    const worker = await openApp({ continuum, providers: [CountingWorkflow] });
    const { app, client } = await openApp({
      continuum: { ...continuum, worker: false },
      providers: [CountingWorkflow],
    });
    const handle = await client.start(CountingWorkflow);
    await handle.signal('add', 1);
    expect(await handle.query('total')).toBe(1);
    await worker.app.close();
    await handle.signal('add', 1);
    const looks = jest.spyOn(app.get<Journal>(CONTINUUM_JOURNAL, { strict: false }), 'describe');
    expect(await handle.query('total')).toBe(1);
    // At once: it does not look again and again for a worker that is not there.
    expect(looks.mock.calls.length).toBeLessThanOrEqual(3);
  });
});
