import { describeClient } from './suites/client.js';
import { PostgresBackend } from './support/backend.js';

describeClient(new PostgresBackend());
