import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { Wakeup } from '../../lib/wakeup/index.js';
import type { Hint } from '../../lib/wakeup/index.js';
import { gate } from '../support/gate.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { asActorId, asRunId } from '../../lib/journal/index.js';

describe('Wakeup', () => {
  const store = new InMemoryStore();
  const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
  const other = new InMemoryJournal(store);
  let here: Wakeup;
  let there: Wakeup;

  beforeEach(async () => {
    await journal.open();
    await other.open();
    here = new Wakeup(journal, 'shop', 'here');
    there = new Wakeup(other, 'shop', 'there');
    await here.start();
    await there.start();
  });
  afterEach(async () => {
    await here.stop();
    await there.stop();
    await journal.close();
    await other.close();
  });

  it('tells this process at once, and the others soon, each hint once', async () => {
    const heardHere: Hint[] = [];
    here.listen((hint) => void heardHere.push(hint));
    const heardThere = gate();
    const all: Hint[] = [];
    there.listen((hint) => {
      all.push(hint);
      if (all.length === 3) heardThere.open();
    });
    here.tell({ type: 'run ready' });
    here.tell({ type: 'run ready' });
    here.tell({ type: 'message arrived', actorId: asActorId('a') });
    here.tell({ type: 'run closed', runId: asRunId('r') });
    expect(heardHere).toHaveLength(4);
    await heardThere.opened;
    expect(all).toEqual([
      { type: 'run ready' },
      { type: 'message arrived', actorId: asActorId('a') },
      { type: 'run closed', runId: asRunId('r') },
    ]);
    // Its own hints do not come back.
    expect(heardHere).toHaveLength(4);
  });

  it('says "everything" rather than send a crowd', async () => {
    const heard = gate<Hint>();
    there.listen((hint) => {
      if (hint.type === 'run closed') heard.open(hint);
    });
    for (let i = 0; i < 1_000; i++) here.tellOthers({ type: 'run closed', runId: asRunId(`r${i}`) });
    await expect(heard.opened).resolves.toEqual({ type: 'run closed', runId: '*' });
  });

  it('sends what is left when it stops, and survives a journal that cannot be told', async () => {
    const heard = gate<Hint>();
    there.listen((hint) => heard.open(hint));
    here.tell({ type: 'run ready' });
    await here.stop();
    await expect(heard.opened).resolves.toEqual({ type: 'run ready' });
    detour('notify', () => Promise.reject(new Error('no connection')), 1);
    const third = new Wakeup(journal, 'shop', 'third');
    third.tell({ type: 'run ready' });
    await expect(third.stop()).resolves.toBeUndefined();
  });

  it('hears nothing of other namespaces, and everything of a version that did not name them', async () => {
    const bank = new Wakeup(other, 'bank', 'bank');
    const spaced = new Wakeup(other, 'the shop', 'spaced');
    await Promise.all([bank.start(), spaced.start()]);
    const elsewhere: Hint[] = [];
    for (const wakeup of [bank, spaced]) wakeup.listen((hint) => void elsewhere.push(hint));
    const heard: Hint[] = [];
    const both = gate();
    there.listen((hint) => {
      if (heard.push(hint) === 2) both.open();
    });
    // Bank's come first, so what `there` had heard of them would stand before the others.
    bank.tell({ type: 'run ready' });
    await bank.stop();
    here.tellOthers({ type: 'message arrived', actorId: asActorId('a') });
    await here.stop();
    await journal.notify(['@old', 'mb']);
    await both.opened;
    expect(heard).toEqual([
      { type: 'message arrived', actorId: 'a' },
      { type: 'message arrived', actorId: 'b' },
    ]);
    expect(elsewhere).toEqual([{ type: 'run ready' }, { type: 'message arrived', actorId: 'b' }]);
    await spaced.stop();
  });
});
