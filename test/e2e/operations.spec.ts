import { describeOperations } from './suites/operations.js';
import { memory } from './support/backend.js';

describeOperations(memory, 'sticky');
describeOperations(memory, 'always replay');
