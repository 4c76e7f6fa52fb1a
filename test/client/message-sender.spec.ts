import { setImmediate } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import { MessageSender } from '../../lib/client/message-sender.js';
import { InMemoryJournal } from '../../lib/journal/in-memory/index.js';
import {
  asActorId,
  ContentionError,
  JournalError,
  JournalRefusedError,
  JournalUnavailableError,
} from '../../lib/journal/index.js';
import type { Message, SendAnswer } from '../../lib/journal/index.js';
import { scriptedJournal } from '../support/scripted-journal.js';

const message = (workflowId: string, name: string): Message => ({
  namespace: 'default',
  workflowId,
  runId: null,
  kind: 'signal',
  name,
  payload: null,
  dedupeId: null,
});
const accepted = (n: number): SendAnswer => ({ type: 'accepted', actorId: asActorId('a'), n, owner: null });

/** What the journal was asked to send, call by call. */
function sender(answer: (message: Message, call: number) => SendAnswer, patience?: number) {
  const calls: string[][] = [];
  const { journal, detour } = scriptedJournal(new InMemoryJournal());
  detour('send', async (_, messages) => {
    await setImmediate();
    calls.push(messages.map(({ name }) => name ?? ''));
    return messages.map((one) => answer(one, calls.length));
  });
  return { calls, sender: new MessageSender(journal, patience) };
}

describe('MessageSender', () => {
  it('messages to one held workflow wait together, in order, and those to others pass', async () => {
    let held = true;
    const { calls, sender: of } = sender(({ workflowId }) =>
      workflowId === 'held' && held ? { type: 'again' } : accepted(1),
    );
    const ended: string[] = [];
    const note = (name: string) => (): void => void ended.push(name);
    const waiting = ['1', '2', '3'].map((name) => of.send(message('held', name)).then(note(name)));
    for (let i = 0; i < 5; i++) await of.send(message('free', `free ${i}`));
    expect(ended).toEqual([]);
    held = false;
    await Promise.all(waiting);
    expect(ended).toEqual(['1', '2', '3']);
    expect(calls.some((names) => ['1', '2', '3'].every((name, i) => names[i] === name))).toBe(true);
  });

  it('those that have waited for too long end in the documented error, all of them at their own time', async () => {
    const { sender: of } = sender(() => ({ type: 'again' }), 50);
    const begun = performance.now();
    const results = await Promise.allSettled(
      ['1', '2', '3', '4'].map((name) => of.send(message('held', name))),
    );
    for (const result of results) {
      expect(result).toMatchObject({ status: 'rejected', reason: expect.any(ContentionError) });
    }
    // Not one after the other.
    expect(performance.now() - begun).toBeLessThan(4 * 50 + 1_000);
    expect(results[0]).toMatchObject({
      reason: { detail: expect.stringMatching(/"held".*Nothing was sent: send it again/), ambiguous: false },
    });
  });

  it('nobody of a line overtakes one that waits, also where another one cannot be stored', async () => {
    let tries = 0;
    const { calls, sender: of } = sender(({ name }) => {
      if (name === 'bad') throw new JournalRefusedError('no');
      return name === 'first' && ++tries < 4 ? { type: 'again' } : accepted(1);
    });
    const opening = of.send(message('w', 'opening'));
    const ended: string[] = [];
    const all = ['first', 'bad', 'last'].map((name) =>
      of.send(message('w', name)).finally(() => ended.push(name)),
    );
    await Promise.allSettled([opening, ...all]);
    expect(ended).toEqual(['first', 'bad', 'last']);
    expect(calls.at(-1)).toEqual(['last']);
  });

  it('one that cannot be stored sinks no other one of its line', async () => {
    const { sender: of } = sender(({ name }) => {
      if (name === 'bad') throw new JournalRefusedError('no');
      return accepted(1);
    });
    const first = of.send(message('w', 'first'));
    const results = await Promise.allSettled([
      first,
      ...['good', 'bad', 'late'].map((name) => of.send(message('w', name))),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  });

  it('sends nothing again that may have been written, neither of one line nor of several', async () => {
    const { calls, sender: of } = sender(({ name }) => {
      if (name === 'opening') return accepted(1);
      throw new JournalError('written, and its answer cannot be read', { ambiguous: true });
    });
    const opening = of.send(message('w', 'opening'));
    const all = ['1', '2'].map((name) => of.send(message('w', name)));
    await opening;
    const results = await Promise.allSettled([...all, of.send(message('other', '3'))]);
    expect(results).toMatchObject(results.map(() => ({ status: 'rejected', reason: { ambiguous: true } })));
    expect(calls.flat().toSorted()).toEqual(['1', '2', '3', 'opening']);
  });

  it('one whose fate is not known is told so, and the others theirs', async () => {
    const error = new JournalUnavailableError('gone', true);
    const { sender: of } = sender(({ name }) =>
      name === 'lost' ? { type: 'unanswered', error } : accepted(1),
    );
    const results = await Promise.allSettled(['kept', 'lost'].map((name) => of.send(message(name, name))));
    expect(results).toMatchObject([{ status: 'fulfilled' }, { status: 'rejected', reason: error }]);
  });
});
