import { describeClient } from './suites/client.js';
import { memory } from './support/backend.js';

describeClient(memory);
