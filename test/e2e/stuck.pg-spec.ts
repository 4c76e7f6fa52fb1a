import { hostname } from 'node:os';
import { afterAll, expect, it } from '@jest/globals';
import { PostgresJournal } from '../../lib/journal/postgres/index.js';
import { runChild } from '../support/child-process.js';
import { PostgresBackend } from './support/backend.js';
import { until } from './support/helpers.js';

// One run in an endless loop stops its whole process. The process is lost, but not what it was lost by.
const backend = new PostgresBackend();
afterAll(() => backend.clear());

const WORKER = {
  leaseTimeout: 1_000,
  heartbeatInterval: 100,
  name: 'stuck',
  watchdog: { timeout: 300, action: 'exit' },
} as const;

it('is known to be what has stopped its worker, and no run beside it is suspected', async () => {
  const { connection, schema } = await backend.fresh();
  const child = await runChild(new URL('processes/stuck-application.ts', import.meta.url), [
    JSON.stringify({ connection, schema, worker: WORKER }),
  ]);
  expect(child).toMatchObject({ code: null, stdout: '' });
  expect(child.stderr).toContain('Workflow spinning "culprit"');
  expect(child.stderr).not.toContain('could not be marked');

  // The cast: a backend of Postgres gives the address.
  const { url } = connection as { readonly url: string };
  const journal = new PostgresJournal({ connection: { type: 'postgres', url }, schema });
  await journal.open();
  try {
    await until(async () => (await journal.rescue('default')).freedActors > 0);
    const [culprit, beside] = await journal.describe([
      { namespace: 'default', workflowId: 'culprit', runId: null },
      { namespace: 'default', workflowId: 'beside', runId: null },
    ]);
    expect(culprit?.deaths).toEqual({
      // As many as isolate a run.
      count: 3,
      workers: [expect.objectContaining({ name: 'stuck', host: hostname(), stuck: true })],
    });
    expect(beside?.deaths).toBeNull();
  } finally {
    await journal.close();
  }
}, 60_000);
