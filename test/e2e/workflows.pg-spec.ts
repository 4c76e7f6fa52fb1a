import { describe } from '@jest/globals';
import { describeAttributes } from './suites/attributes.js';
import { describeChildren } from './suites/children.js';
import { describeContext } from './suites/context.js';
import { describeContinuation } from './suites/continuation.js';
import { describeDeadlines } from './suites/deadlines.js';
import { describeWaitingFor } from './suites/waiting-for.js';
import { describeInsideRun } from './suites/inside-run.js';
import { describeMany } from './suites/many.js';
import { describeRaces } from './suites/races.js';
import { describeSaga } from './suites/saga.js';
import { describeScopedRollback } from './suites/scoped-rollback.js';
import { describeSchemas } from './suites/schemas.js';
import { PostgresBackend } from './support/backend.js';

describe.each(['sticky', 'always replay'] as const)('%s', (residency) => {
  describeSaga(new PostgresBackend(), residency);
  describeInsideRun(new PostgresBackend(), residency);
  describeContext(new PostgresBackend(), residency);
  describeRaces(new PostgresBackend(), residency);
  describeMany(new PostgresBackend(), residency);
  describeScopedRollback(new PostgresBackend(), residency);
  describeSchemas(new PostgresBackend(), residency);
  describeAttributes(new PostgresBackend(), residency);
  describeContinuation(new PostgresBackend(), residency);
  describeChildren(new PostgresBackend(), residency);
  describeDeadlines(new PostgresBackend(), residency);
  describeWaitingFor(new PostgresBackend(), residency);
});
