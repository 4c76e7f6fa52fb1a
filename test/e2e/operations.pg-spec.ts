import { describeOperations } from './suites/operations.js';
import { describeRetryRollback } from './suites/retry-rollback.js';
import { PostgresBackend } from './support/backend.js';

describeOperations(new PostgresBackend(), 'sticky');
describeOperations(new PostgresBackend(), 'always replay');
describeRetryRollback(new PostgresBackend(), 'sticky');
describeRetryRollback(new PostgresBackend(), 'always replay');
