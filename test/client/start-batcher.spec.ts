import { describe, expect, it } from '@jest/globals';
import { StartBatcher } from '../../lib/client/start-batcher.js';
import { InMemoryJournal } from '../../lib/journal/in-memory/index.js';
import {
  asRunId,
  JournalError,
  JournalRefusedError,
  JournalUnavailableError,
  JournalRetry,
} from '../../lib/journal/index.js';
import type { StartRequest } from '../../lib/journal/index.js';
import { scriptedJournal } from '../support/scripted-journal.js';

const request = (n: number): StartRequest => ({
  runId: asRunId(`01890000-0000-7000-8000-00000000000${n}`),
  namespace: 'default',
  workflowId: `w${n}`,
  workflow: 'w',
  version: 1,
  priority: 2,
  input: '[]',
  startAt: null,
  onConflict: 'fail',
  onReuse: 'allow',
  attributes: null,
  first: null,
});
const unread = (): JournalError => new JournalError('the answer cannot be read', { ambiguous: true });

describe('StartBatcher', () => {
  it('repeats a start that may have been written, and starts its run once', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    await journal.open();
    detour(
      'start',
      async (real, requests) => {
        await real(requests);
        throw unread();
      },
      1,
    );
    const starts = new StartBatcher(journal, new JournalRetry());
    const answers = await Promise.all([1, 2].map((n) => starts.ask(request(n))));
    expect(answers).toMatchObject([1, 2].map((n) => ({ type: 'started', runId: request(n).runId })));
    await expect(journal.count({ namespace: 'default' })).resolves.toBe(2);
  });

  it.each([
    new JournalRefusedError('no'),
    new JournalError('not this one'),
    new JournalUnavailableError('gone', false),
  ])('stays in doubt once it is, whatever fails later: $name', async (later) => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const doubt = unread();
    let tries = 0;
    detour('start', () => Promise.reject(++tries === 1 ? doubt : later));
    await expect(new StartBatcher(journal, new JournalRetry()).ask(request(1))).rejects.toBe(doubt);
  });
});
