import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { runChild } from '../support/child-process.js';
import type { Ended } from '../support/child-process.js';
import { PostgresBackend } from './support/backend.js';

// A process ends by itself once its applications are closed: no connection, timer or hook of Continuum holds it.
const backend = new PostgresBackend();
const children = new Map<string, Promise<Ended>>();

const run = (what: string, options: object): Promise<Ended> =>
  runChild(new URL('processes/application.ts', import.meta.url), [what, JSON.stringify(options)]);

beforeAll(async () => {
  children.set('closing on memory', run('close', { journal: 'memory' }));
  children.set('closing on Postgres', run('close', await backend.fresh()));
  children.set('signal', run('signal', await backend.fresh()));
});
afterAll(async () => {
  await Promise.allSettled(children.values());
  await backend.clear();
});

const linesOf = async (what: string, code: number | null): Promise<readonly string[]> => {
  const ended = await children.get(what)!;
  expect(ended).toMatchObject({ stderr: '', code });
  return ended.stdout.trim().split('\n');
};

it.each(['memory', 'Postgres'])(
  'a process ends by itself when its applications are closed, or refused, on %s',
  async (where) => {
    expect(await linesOf(`closing on ${where}`, 0)).toEqual([
      '- closeWorker',
      'Hello Ann',
      'shut down by close()',
      '- closeClient',
      'shut down by close()',
      'ClientClosedError',
      '- closeUninitialised',
      'shut down by close()',
      '- beRefused',
      'InvalidDefinitionError',
    ]);
  },
  30_000,
);

it('a process ends by a signal, once its activities are done', async () => {
  // Nest sends itself the signal again: that is how it ends.
  expect(await linesOf('signal', null)).toEqual([
    'greeted the last while shutting down',
    'shut down by SIGTERM',
  ]);
}, 30_000);
