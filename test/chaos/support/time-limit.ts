import { jest } from '@jest/globals';

// Each test starts some processes, on a machine that may have much else to do.
jest.setTimeout(120_000);
