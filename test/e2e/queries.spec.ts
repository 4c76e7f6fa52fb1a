import { describeQueries } from './suites/queries.js';
import { memory } from './support/backend.js';

describeQueries(memory, 'sticky');
describeQueries(memory, 'always replay');
