import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Wakeup } from '../../lib/wakeup/index.js';
import { LeaseRescuer } from '../../lib/dispatch/index.js';
import { DatabaseClock } from '../../lib/engine/index.js';
import { SessionKeeper } from '../../lib/engine/worker/session-keeper.js';
import { InMemoryJournal } from '../../lib/journal/in-memory/index.js';
import { JournalUnavailableError } from '../../lib/journal/index.js';
import type { Journal } from '../../lib/journal/index.js';
import { observedRetry } from '../../lib/observability/index.js';
import { gate } from '../support/gate.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { Recorder } from '../support/stage.js';

const INTERVAL = 20;

describe('SessionKeeper', () => {
  let journal: Journal;
  let detour: ReturnType<typeof scriptedJournal>['detour'];
  let recorder: Recorder;
  let session: SessionKeeper;

  const begin = async (leaseTimeout: number): Promise<SessionKeeper> => {
    session = new SessionKeeper(
      journal,
      new DatabaseClock(),
      recorder,
      {
        namespace: 'default',
        name: 'w',
        buildId: 'b',
        workflows: [],
        leaseTimeout,
        heartbeatInterval: INTERVAL,
      },
      { beat: () => undefined, lost: () => undefined, reopened: () => undefined },
      observedRetry(recorder),
    );
    await session.start();
    return session;
  };
  /** Lets so many heartbeats pass. */
  const beats = async (times: number): Promise<void> => {
    const passed = gate();
    let left = times;
    detour('heartbeat', async (real, owner) => {
      const answer = await real(owner);
      if (--left === 0) passed.open();
      return answer;
    });
    await passed.opened;
  };

  beforeEach(async () => {
    recorder = new Recorder();
    ({ journal, detour } = scriptedJournal(new InMemoryJournal()));
    await journal.open();
  });
  afterEach(async () => {
    await session.stop();
    await journal.close();
  });

  it('registers again as soon as the journal can be reached', async () => {
    await begin(100);
    const refuse = (): Promise<never> =>
      Promise.reject(new JournalUnavailableError('connection refused', false));
    detour('heartbeat', refuse);
    detour('register', refuse, 3);
    await recorder.until('worker lost');
    await beats(2);
    expect(session.open).toBe(true);
    expect(recorder.count('worker registered')).toBe(2);
  });

  it('registers by another connection while one hangs', async () => {
    await begin(100);
    const hanging = gate<never>();
    detour('heartbeat', () => hanging.opened, 1);
    detour('unregister', () => hanging.opened, 1);
    await recorder.until('worker lost');
    await recorder.until('worker registered', () => recorder.count('worker registered') === 2);
    expect(session.open).toBe(true);
    // Never answered: the end does not wait for it.
    hanging.open(undefined as never);
  });

  it('begins a new session while somebody holds a row of the one that was lost', async () => {
    const { id } = await begin(10_000);
    const released = gate();
    const ended = gate();
    detour('unregister', async (real, owner) => {
      await released.opened;
      await real(owner);
      if (owner === id) ended.open();
    });
    detour('heartbeat', () => Promise.resolve({ type: 'dead' }), 1);
    await recorder.until('worker registered', () => recorder.count('worker registered') === 2);
    expect(session.open).toBe(true);
    released.open();
    await ended.opened;
    expect(session.open).toBe(true);
  });

  it('takes no late registration for its own', async () => {
    await begin(100);
    const late = gate();
    detour('heartbeat', () => Promise.reject(new JournalUnavailableError('connection refused', false)), 8);
    detour(
      'register',
      async (real, registration) => {
        await late.opened;
        return real(registration);
      },
      1,
    );
    await recorder.until('worker registered', () => recorder.count('worker registered') === 2);
    const { id } = session;
    const ended = gate();
    detour('unregister', async (real, owner) => {
      await real(owner);
      if (owner !== id) ended.open();
    });
    late.open();
    await ended.opened;
    expect(session.id).toBe(id);
    expect(recorder.count('worker registered')).toBe(2);
  });

  it('declares nobody dead right after it was not heard itself', async () => {
    await begin(10_000);
    await beats(2);
    let rescues = 0;
    detour('rescue', (real, namespace) => {
      rescues++;
      return real(namespace);
    });
    const rescuer = new LeaseRescuer(
      journal,
      'default',
      new Wakeup(journal, 'default', 'w'),
      recorder,
      1_000,
      () => session.isSteady,
      observedRetry(recorder),
    );
    await rescuer.rescue();
    expect(rescues).toBe(1);
    detour('heartbeat', () => Promise.reject(new JournalUnavailableError('connection reset', false)), 1);
    await recorder.until('journal unavailable');
    await beats(1);
    await rescuer.rescue();
    expect(rescues).toBe(1);
    await beats(3);
    await rescuer.rescue();
    expect(rescues).toBe(2);
  });
});
