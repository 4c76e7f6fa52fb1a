import { describeRefusals } from './suites/refusals.js';
import { PostgresBackend } from './support/backend.js';

describeRefusals(new PostgresBackend());
