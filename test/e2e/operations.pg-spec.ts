import { describeOperations } from './suites/operations.js';
import { PostgresBackend } from './support/backend.js';

describeOperations(new PostgresBackend(), 'sticky');
describeOperations(new PostgresBackend(), 'always replay');
