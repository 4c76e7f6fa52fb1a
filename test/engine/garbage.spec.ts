import { expect, it } from '@jest/globals';
import { runChild } from '../support/child-process.js';

// What survives minor collections is copied twice, and waits for a major one. A function that is written into a property, or a
// Map that is added to and deleted from all the time, keeps whole runs alive so (7 to 10 KB of each here).
it('of a run that has ended next to nothing outlives two minor garbage collections', async () => {
  const { code, stdout, stderr } = await runChild(
    new URL('support/kept-by-runs.ts', import.meta.url),
    [],
    ['--expose-gc'],
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { bytesPerWorkflow } = JSON.parse(stdout) as { bytesPerWorkflow: number };
  expect(bytesPerWorkflow).toBeLessThan(6_000);
});
