export { describeJournalContract } from './describe-journal-contract.js';
export type { JournalHarness, MakeHarness } from './harness.js';
export { type StressOptions, type StressReport, stressJournal } from './stress.js';
export type { Assertions, Expect, TestRunner } from './test-runner.js';
