/**
 * The tests that every journal passes. `topics/` has one file for each thing that a journal must do, `stress/` a randomised
 * load and the oracle that judges what came of it.
 */
export { describeJournalContract } from './describe-journal-contract.js';
export type { JournalHarness, MakeHarness } from './harness.js';
export { type StressOptions, type StressReport, stressJournal } from './stress.js';
export type { Assertions, Expect, TestRunner } from './test-runner.js';
