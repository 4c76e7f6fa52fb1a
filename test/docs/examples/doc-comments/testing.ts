// The examples in the doc comments of nestjs-continuum/testing.
import { describe, expect, it } from '@jest/globals';
import { describeJournalContract } from 'nestjs-continuum/testing';
import { InMemoryStore, type MakeHarness, ManualClock } from 'nestjs-continuum/testing';

export function defineContract(makeHarness: MakeHarness): void {
  describeJournalContract('MyJournal', makeHarness, { describe, it, expect });
}

export function storeOneMinuteLater(): InMemoryStore {
  const clock = new ManualClock();
  const store = new InMemoryStore({ clock: clock.now });
  clock.advance(60_000);
  return store;
}
