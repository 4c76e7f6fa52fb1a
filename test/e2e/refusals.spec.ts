import { describeRefusals } from './suites/refusals.js';
import { memory } from './support/backend.js';

describeRefusals(memory);
