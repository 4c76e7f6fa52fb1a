import { describeUpdates } from './suites/updates.js';
import { PostgresBackend } from './support/backend.js';

describeUpdates(new PostgresBackend(), 'sticky');
