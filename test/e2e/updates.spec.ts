import { describeUpdates } from './suites/updates.js';
import { memory } from './support/backend.js';

describeUpdates(memory, 'sticky');
describeUpdates(memory, 'always replay');
