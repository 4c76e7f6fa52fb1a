import { describe } from '@jest/globals';
import { describeAttributes } from './suites/attributes.js';
import { describeCallbacks } from './suites/callbacks.js';
import { describeChildren } from './suites/children.js';
import { describeContext } from './suites/context.js';
import { describeContinuation } from './suites/continuation.js';
import { describeDebounce } from './suites/debounce.js';
import { describeDeadlines } from './suites/deadlines.js';
import { describeWaitingFor } from './suites/waiting-for.js';
import { describeInsideRun } from './suites/inside-run.js';
import { describeMany } from './suites/many.js';
import { describeRaces } from './suites/races.js';
import { describeSaga } from './suites/saga.js';
import { describeScopedRollback } from './suites/scoped-rollback.js';
import { describeSchemas } from './suites/schemas.js';
import { memory } from './support/backend.js';

// Everything twice: with runs that stay in memory, and with the memory dropped before every turn (F30).
describe.each(['sticky', 'always replay'] as const)('%s', (residency) => {
  describeSaga(memory, residency);
  describeInsideRun(memory, residency);
  describeContext(memory, residency);
  describeRaces(memory, residency);
  describeMany(memory, residency);
  describeScopedRollback(memory, residency);
  describeSchemas(memory, residency);
  describeAttributes(memory, residency);
  describeContinuation(memory, residency);
  describeChildren(memory, residency);
  describeCallbacks(memory, residency);
  describeDeadlines(memory, residency);
  describeDebounce(memory, residency);
  describeWaitingFor(memory, residency);
});
