import { afterAll, describe, expect, it } from '@jest/globals';
import { describeJournalContract } from '../../lib/testing/index.js';
import { PostgresHarnesses } from '../support/postgres-harness.js';

const harnesses = new PostgresHarnesses();
afterAll(() => harnesses.end());

describeJournalContract('PostgresJournal', harnesses.make, { describe, expect, it });
