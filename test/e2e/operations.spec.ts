import { describeOperations } from './suites/operations.js';
import { describeRetryRollback } from './suites/retry-rollback.js';
import { memory } from './support/backend.js';

describeOperations(memory, 'sticky');
describeOperations(memory, 'always replay');
describeRetryRollback(memory, 'sticky');
describeRetryRollback(memory, 'always replay');
