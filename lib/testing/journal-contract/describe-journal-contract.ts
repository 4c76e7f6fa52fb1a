import type { MakeHarness } from './harness.js';
import { Scenario, type Topic } from './scenario.js';
import type { TestRunner } from './test-runner.js';
import { blockedTopic } from './topics/blocked.js';
import { callbacksTopic } from './topics/callbacks.js';
import { childrenTopic } from './topics/children.js';
import { claimTopic } from './topics/claim.js';
import { commitTopic } from './topics/commit.js';
import { commitLockedTopic } from './topics/commit-locked.js';
import { continuationTopic } from './topics/continuation.js';
import { childrenRacesTopic } from './topics/children-races.js';
import { continuationRacesTopic } from './topics/continuation-races.js';
import { contentionTopic } from './topics/contention.js';
import { deadlinesTopic } from './topics/deadlines.js';
import { debounceTopic } from './topics/debounce.js';
import { deathsTopic } from './topics/deaths.js';
import { hintsTopic } from './topics/hints.js';
import { operationsTopic } from './topics/operations.js';
import { outcomeTopic } from './topics/outcome.js';
import { namespacesTopic } from './topics/namespaces.js';
import { ownedTopic } from './topics/owned.js';
import { overdueTopic } from './topics/overdue.js';
import { readTopic } from './topics/read.js';
import { interleavingTopic } from './topics/interleavings.js';
import { listTopic } from './topics/list.js';
import { reachInterleavingTopic } from './topics/reach-interleavings.js';
import { refenceTopic } from './topics/refence.js';
import { rescueTopic } from './topics/rescue.js';
import { retryRollbackTopic } from './topics/retry-rollback.js';
import { sendTopic } from './topics/send.js';
import { sendRaceTopic } from './topics/send-races.js';
import { shownTopic } from './topics/shown.js';
import { startTopic } from './topics/start.js';
import { startConflictTopic } from './topics/start-conflicts.js';
import { startBySignalTopic } from './topics/start-by-signal.js';
import { startWithTopic } from './topics/start-with.js';
import { stressTopic } from './topics/stress.js';
import { suspectsTopic } from './topics/suspects.js';
import { terminateTopic } from './topics/terminate.js';
import { transactionTopic } from './topics/transactions.js';
import { updatesTopic } from './topics/updates.js';
import { valuesTopic } from './topics/values.js';
import { workerTopic } from './topics/workers.js';

const TOPICS: Readonly<Record<string, (topic: Topic) => void>> = {
  start: startTopic,
  'start, conflicts and reuse': startConflictTopic,
  'start, held back': debounceTopic,
  send: sendTopic,
  'send, raced': sendRaceTopic,
  claim: claimTopic,
  commit: commitTopic,
  'commit, outcomes': outcomeTopic,
  commitLocked: commitLockedTopic,
  continuation: continuationTopic,
  'continuation, raced': continuationRacesTopic,
  children: childrenTopic,
  'children, raced': childrenRacesTopic,
  callbacks: callbacksTopic,
  refence: refenceTopic,
  updates: updatesTopic,
  'start with a message': startWithTopic,
  'start by the signal of a run': startBySignalTopic,
  terminate: terminateTopic,
  'who asked for what': operationsTopic,
  'rollbacks that are tried again': retryRollbackTopic,
  'worker sessions': workerTopic,
  'leases that nobody holds': ownedTopic,
  rescue: rescueTopic,
  deaths: deathsTopic,
  suspects: suspectsTopic,
  'blocked runs': blockedTopic,
  namespaces: namespacesTopic,
  'rows that others hold': contentionTopic,
  'forced interleavings': interleavingTopic,
  'forced interleavings, between runs': reachInterleavingTopic,
  'load, describe and outcomes': readTopic,
  'list and count': listTopic,
  'what runs show': shownTopic,
  'time limits': deadlinesTopic,
  'time limits of runs that nobody serves': overdueTopic,
  values: valuesTopic,
  'transactions of the caller': transactionTopic,
  'hints, open and close': hintsTopic,
  stress: stressTopic,
};

/**
 * Defines the tests that every journal passes, for Jest or for another runner with the same functions.
 *
 * ```ts
 * import { describe, expect, it } from '@jest/globals';
 * import { describeJournalContract } from 'nestjs-continuum/testing';
 *
 * describeJournalContract('MyJournal', makeHarness, { describe, it, expect });
 * ```
 *
 * The randomised stress at the end runs for some seconds; `CONTINUUM_STRESS_SECONDS` makes it longer, and
 * `CONTINUUM_SEED` repeats one that failed (its seed stands in the name of the test).
 *
 * @param name the adapter's name, as it shall stand in the report
 * @param makeHarness makes an empty journal; called anew for every test
 * @param runner the functions of the test runner
 */
export function describeJournalContract(name: string, makeHarness: MakeHarness, runner: TestRunner): void {
  const { describe, it, expect } = runner;
  const topic: Topic = {
    expect,
    test: (title, body, timeout) =>
      it(
        title,
        async () => {
          const harness = await makeHarness();
          try {
            await body(new Scenario(harness, expect));
          } finally {
            await harness.dispose();
          }
        },
        timeout,
      ),
  };
  describe(name, () => {
    for (const [title, define] of Object.entries(TOPICS)) describe(title, () => define(topic));
  });
}
