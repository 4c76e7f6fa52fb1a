import { describe, expect, it } from '@jest/globals';
import { ContinuumRuntime } from '../../lib/runtime/runtime.js';
import { durableCodec } from '../../lib/core/index.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { ContentionError, JournalError, JournalUnavailableError } from '../../lib/journal/index.js';
import type { HeartbeatAnswer, Loaded } from '../../lib/journal/index.js';
import { gate } from '../support/gate.js';
import { openStages } from '../support/open-stages.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { activity, Recorder, SETTINGS, Stage } from '../support/stage.js';
import type { ScriptedWorkflow } from '../support/stage.js';

const unreachable = (): JournalUnavailableError => new JournalUnavailableError('connection refused', false);
const refuse = (): Promise<never> => Promise.reject(unreachable());
const lostAnswer = (): JournalUnavailableError => new JournalUnavailableError('connection reset', true);

const works: ScriptedWorkflow = { make: ({ act }) => ({ run: () => act('work') }) };
const waits: ScriptedWorkflow = { make: ({ ctx }) => ({ run: () => ctx.waitForSignal('go') }) };

describe('Outages of the journal', () => {
  const open = openStages();

  it('lets go of its runs by its own clock while a heartbeat hangs, and begins anew without it', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const begun = gate();
    const stopped = gate<unknown>();
    let tries = 0;
    const stage = await open({
      journal,
      activities: [
        activity('work', (context) => {
          if (++tries > 1) return 'second';
          context.signal.addEventListener('abort', () => stopped.open(context.signal.reason));
          begun.open();
          return new Promise(() => {});
        }),
      ],
      workflows: [works],
      settings: { leaseTimeout: 1_000, heartbeatInterval: 100 },
    });
    const result = stage.client.execute('scripted');
    await begun.opened;
    const answer = gate<HeartbeatAnswer>();
    detour('heartbeat', () => answer.opened, 1);
    const { reason } = await stage.recorder.until('worker lost');
    expect(reason).toBe('no heartbeat in time');
    await expect(stopped.opened).resolves.toMatchObject({ why: 'lease lost' });
    await expect(result).resolves.toBe('second');

    // The answer comes after all. It is about a session that is over by now.
    let beats = 0;
    const prolonged = gate();
    detour('heartbeat', (real, owner) => {
      if (++beats === 3) prolonged.open();
      return real(owner);
    });
    answer.open({ type: 'dead' });
    await prolonged.opened;
    expect(stage.recorder.count('worker lost')).toBe(1);
  });

  it('waits for a journal that cannot be reached, rather than give a run up', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({ journal, workflows: [waits] });
    const handle = await stage.client.start('scripted');
    detour('load', refuse, 2);
    detour('commit', refuse, 2);
    await handle.signal('go', 'gone');
    await expect(handle.result()).resolves.toBe('gone');
    expect(stage.recorder.count('turn failed')).toBe(0);
    expect(stage.recorder.count('worker lost')).toBe(0);
    // Each of the two outages is told once, and its end.
    expect(stage.recorder.count('journal unavailable')).toBe(2);
    expect(stage.recorder.count('journal available')).toBe(2);
  });

  it('loads what it has claimed as soon as the journal can be reached', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({
      journal,
      activities: [activity('work', () => 'done')],
      workflows: [works],
    });
    detour('load', refuse, 2);
    // Not before a time: claimed, and not born leased.
    await expect(
      stage.client.execute('scripted', undefined, { startAt: new Date(Date.now() - 1) }),
    ).resolves.toBe('done');
    expect(stage.recorder.count('turn failed')).toBe(0);
    expect(stage.recorder.count('worker lost')).toBe(0);
  });

  it('finds a run again whose claim was answered by a broken connection', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({
      journal,
      activities: [activity('work', () => 'done')],
      workflows: [works],
      settings: { heartbeatInterval: 50 },
    });
    let claimed = 0;
    detour('claim', async (real, request) => {
      const claims = await real(request);
      if (claims.length === 0 || claimed++ > 0) return claims;
      throw lostAnswer();
    });
    await expect(
      stage.client.execute('scripted', undefined, { startAt: new Date(Date.now() - 1) }),
    ).resolves.toBe('done');
    expect(stage.recorder.count('unheld leases given back')).toBe(1);
    expect(stage.recorder.count('worker lost')).toBe(0);
  });

  it('gives back the one run whose release was refused, and leaves the others alone', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({
      journal,
      workflows: [waits, { ...waits, name: 'neighbour' }],
      settings: { heartbeatInterval: 50, runs: 2 },
    });
    const neighbour = await stage.client.start('neighbour');
    const handle = await stage.client.start('scripted');
    // As after a failover that lost commits.
    let refused = 0;
    detour('commit', async (real, turns, options) => {
      const answers = await Promise.all(
        turns.map(async (turn) => {
          const mine = turn.lease.runId === handle.runId && turn.outcome.type === 'release';
          if (mine && refused++ === 0) return { type: 'history lost' } as const;
          return (await real([turn], options))[0]!;
        }),
      );
      return answers;
    });
    // A slot is wanted: those that wait leave.
    await stage.client.start('scripted');
    await stage.recorder.until('unheld leases given back');
    expect(refused).toBeGreaterThan(0);
    await handle.signal('go', 'back again');
    await expect(handle.result()).resolves.toBe('back again');
    await neighbour.signal('go', 'undisturbed');
    await expect(neighbour.result()).resolves.toBe('undisturbed');
    expect(stage.recorder.count('worker lost')).toBe(0);
    expect(stage.recorder.count('worker registered')).toBe(1);
  });

  it('asks again what became of a run while somebody else holds its row, and keeps it', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({ journal, workflows: [waits] });
    const handle = await stage.client.start('scripted');
    detour('commit', (_, turns) => Promise.resolve(turns.map(() => ({ type: 'history lost' }))), 1);
    const error = new ContentionError('somebody holds the row');
    detour('refence', (_, leases) => Promise.resolve(leases.map(() => ({ type: 'unanswered', error }))), 2);
    await handle.signal('go', 'kept');
    await expect(handle.result()).resolves.toBe('kept');
    expect(stage.recorder.count('run claimed')).toBe(0);
    expect(stage.recorder.count('unheld leases given back')).toBe(0);
    expect(stage.recorder.count('journal unavailable')).toBe(0);
  });

  it('keeps what an activity did where nothing can tell what became of its turn', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    let tries = 0;
    const stage = await open({
      journal,
      workflows: [works],
      activities: [activity('work', () => ++tries, { retry: { maxAttempts: 1 } })],
    });
    let lost = 0;
    detour('commit', (real, turns, options) => {
      const ends = turns.some((turn) => turn.entries.some(({ type }) => type === 'activity_completed'));
      if (!ends || lost > 0) return real(turns, options);
      lost++;
      return Promise.resolve(turns.map(() => ({ type: 'history lost' })));
    });
    detour('refence', () => Promise.reject(new JournalError('no')), 1);
    await expect(stage.client.execute('scripted')).resolves.toBe(1);
    expect([lost, tries]).toEqual([1, 1]);
  });

  it('keeps its runs when a claim was not made whose answer got lost', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({ journal, workflows: [waits], settings: { heartbeatInterval: 50 } });
    const handle = await stage.client.start('scripted');
    let beats = 0;
    const beaten = gate();
    detour('heartbeat', async (real, owner) => {
      if (++beats === 4) beaten.open();
      return await real(owner);
    });
    detour('claim', () => Promise.reject(lostAnswer()), 1);
    // Makes the dispatcher look.
    await stage.client.start('scripted', undefined, { startAt: new Date(Date.now() - 1) });
    await beaten.opened;
    expect(stage.recorder.count('unheld leases given back')).toBe(0);
    await handle.signal('go', 'still here');
    await expect(handle.result()).resolves.toBe('still here');
  });

  it('finds a run whose start was told to have failed, without doubt or messages, and leaves the others alone', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({
      journal,
      activities: [activity('work', () => 'done')],
      workflows: [works, { ...waits, name: 'waiting' }],
      settings: { heartbeatInterval: 50 },
    });
    const neighbour = await stage.client.start('waiting');
    detour('start', async (real, requests) => {
      await real(requests);
      // As a batch does whose other half could not be written.
      throw unreachable();
    });
    await expect(stage.client.start('scripted', undefined, { id: 'w' })).rejects.toBeInstanceOf(
      JournalUnavailableError,
    );
    await expect(stage.client.handle('w').result()).resolves.toBe('done');
    expect(stage.recorder.count('worker lost')).toBe(0);
    expect(stage.recorder.events.filter(({ type }) => type === 'lease lost')).toEqual([]);
    await neighbour.signal('go', 'undisturbed');
    await expect(neighbour.result()).resolves.toBe('undisturbed');
  }, 10_000);

  it('finds a run again whose start was told to have failed', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({
      journal,
      activities: [activity('work', () => 'done')],
      workflows: [works],
      settings: { heartbeatInterval: 50 },
    });
    let tries = 0;
    detour('start', async (real, requests) => {
      if (++tries > 1) throw unreachable();
      await real(requests);
      throw lostAnswer();
    });
    await expect(stage.client.start('scripted', undefined, { id: 'w' })).rejects.toBeInstanceOf(
      JournalUnavailableError,
    );
    await expect(stage.client.handle('w').result()).resolves.toBe('done');
  });

  it('takes a run that can be neither read nor blocked for no outage', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({
      journal,
      activities: [activity('work', () => 'done')],
      workflows: [works],
    });
    detour('load', () => Promise.reject(new JournalError('unreadable')), 1);
    detour('refence', () => Promise.reject(new JournalError('permission denied')), 1);
    const due = { startAt: new Date(Date.now() - 1) };
    await expect(stage.client.execute('scripted', undefined, due)).resolves.toBe('done');
    expect(stage.recorder.count('journal unavailable')).toBe(0);
    expect(await stage.recorder.until('turn failed')).toMatchObject({
      error: { message: 'permission denied' },
    });
  });

  it('tells nothing of its runs when it stops in an outage', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({ journal, workflows: [waits], settings: { shutdownTimeout: 10 } });
    for (let i = 0; i < 3; i++) await stage.client.start('scripted');
    detour('commit', refuse);
    await stage.close();
    expect(stage.recorder.count('turn failed')).toBe(0);
    expect(stage.recorder.count('journal unavailable')).toBe(1);
  });

  it('stops in order although the journal cannot be reached any more', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await Stage.open({ journal, workflows: [waits], settings: { shutdownTimeout: 10 } });
    await stage.client.start('scripted');
    for (const verb of ['commit', 'unregister', 'heartbeat', 'claim', 'load', 'rescue', 'notify'] as const) {
      detour(verb, refuse);
    }
    await stage.close();
    expect(stage.recorder.count('journal unavailable')).toBeGreaterThan(0);
  });

  it.each([
    ['cannot be read', () => Promise.reject(new JournalError('an entry of an unknown type'))],
    [
      'cannot be replayed',
      // As an adapter gives what it does not know.
      (loaded: Loaded) => ({ ...loaded, history: loaded.history.map(() => undefined as never) }),
    ],
  ])('blocks a run whose history %s, and lets the others go on', async (_, spoil) => {
    const store = new InMemoryStore();
    const options = { workflows: [waits] };
    const first = await open({ ...options, journal: new InMemoryJournal(store) });
    const ids = ['bad', 'good 1', 'good 2'];
    const started = await Promise.all(ids.map((id) => first.client.start('scripted', undefined, { id })));
    const [bad, ...good] = started;
    await first.close();

    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    detour('load', async (real, requests) => {
      const loaded = await real(requests);
      return Promise.all(
        loaded.map((found, i) => (requests[i]!.runId === bad!.runId ? spoil(found) : found)),
      );
    });
    const client = await open({ ...options, journal: new InMemoryJournal(store), worker: false });
    for (const id of ids) await client.client.handle(id).signal('go', 'done');
    const stage = await open({ ...options, journal });
    const { error } = await stage.recorder.until('turn failed');
    const results = good.map(({ workflowId }) => stage.client.handle(workflowId).result());
    await expect(Promise.all(results)).resolves.toEqual(['done', 'done']);
    await until(async () => (await client.client.describe('bad')).blocked !== null);
    const { blocked, state } = await client.client.describe('bad');
    expect(state).toBe('running');
    expect(blocked?.reason).toContain(error.message);
    expect(stage.recorder.count('worker lost')).toBe(0);
    // It goes on when what was wrong with it is mended.
    detour('load', (real, requests) => real(requests));
    await expect(stage.client.handle('bad').result()).resolves.toBe('done');
  });

  it('keeps what an activity did although the turn that takes it fails', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    let tries = 0;
    const stage = await open({
      journal,
      activities: [activity('work', () => ++tries, { retry: { maxAttempts: 1 } })],
      workflows: [works],
    });
    detour('commit', () => Promise.reject(new Error('out of memory')), 1);
    await expect(stage.client.execute('scripted')).resolves.toBe(1);
    expect(stage.recorder.count('turn failed')).toBe(1);
    expect(tries).toBe(1);
  });

  it('F17: waits under the lock, too, for a timer that is ahead of the database', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    const stage = await open({
      journal,
      activities: [activity('work', () => 'done')],
      workflows: [
        { ...works, signals: ['note'], make: (script) => ({ ...works.make(script), note: () => undefined }) },
      ],
    });
    // However often it decides, a signal was quicker.
    detour('commit', async (real, turns, options) => {
      const answers = [
        ...(await real(
          turns.filter((turn) => !turn.decides),
          options,
        )),
      ];
      return turns.map((turn) =>
        turn.decides ? { type: 'signals unread' as const, inboxSeq: 1 } : answers.shift()!,
      );
    });
    detour('commitLocked', () => Promise.resolve({ type: 'not due', ahead: 1 }), 2);
    await expect(stage.client.execute('scripted')).resolves.toBe('done');
    expect(stage.recorder.count('worker lost')).toBe(0);
  });

  it('tells others of each run that it hands over, while it still works on another one', async () => {
    const store = new InMemoryStore();
    const others = new InMemoryJournal(store);
    await others.open();
    const begun = gate();
    const finish = gate();
    const stage = await Stage.open({
      journal: new InMemoryJournal(store),
      activities: [
        activity('work', async () => {
          begun.open();
          await finish.opened;
        }),
      ],
      workflows: [works, { ...waits, name: 'waits' }],
    });
    await stage.client.start('scripted');
    await stage.client.start('waits');
    await begun.opened;
    const told = gate();
    await others.listen((hints) => {
      if (hints.includes('r')) told.open();
    });
    const closing = stage.close();
    await told.opened;
    expect(stage.recorder.count('run released')).toBe(1);
    finish.open();
    await closing;
    await others.close();
  });

  it('begins again, and hears other processes, when it could not at first', async () => {
    const { journal, detour } = scriptedJournal(new InMemoryJournal());
    await journal.open();
    const recorder = new Recorder();
    const runtime = new ContinuumRuntime({
      journal,
      codec: durableCodec,
      observer: recorder,
      namespace: 'default',
      maxPayloadBytes: 1_000,
      worker: SETTINGS,
      journalIsPrivate: false,
    });
    let listened = 0;
    detour('listen', (real, onHints) => (++listened === 1 ? refuse() : real(onHints)));
    detour('register', refuse, 1);
    for (let tries = 0; tries < 2; tries++) {
      await expect(runtime.startWorker()).rejects.toBeInstanceOf(JournalUnavailableError);
    }
    await runtime.startWorker();
    expect(listened).toBe(2);
    await runtime.close();
    await journal.close();
  });

  it('fires a timer in time while an activity keeps the run in memory', async () => {
    const stage = await open({
      activities: [activity('work', () => new Promise(() => {}))],
      workflows: [
        {
          make: ({ act, ctx }) => ({
            run: () => Promise.race([act('work'), ctx.sleep(100).then(() => 'in time')]),
          }),
        },
      ],
      // Further away than what keeps a run in memory by itself.
      settings: { parkAfter: 10 },
    });
    await expect(stage.client.execute('scripted', undefined, { timeout: 5_000 })).resolves.toBe('in time');
  });
});

/** Until what is asked for holds; asks again as soon as other work was done. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setImmediate(resolve));
}
