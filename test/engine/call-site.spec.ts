import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { callSite, markCallSite } from '../../lib/engine/process/call-site.js';

const here = fileURLToPath(import.meta.url);

describe('the line that a message names', () => {
  it.each([
    ['now', () => callSite()],
    ['as it was marked', () => markCallSite()()],
  ])("is the caller's, and none of ours: %s", (_when, where) => {
    expect(where()).toContain(here);
  });
});
