import { describe, expect, it } from '@jest/globals';
import { runChild } from '../support/child-process.js';

const PROGRAM = new URL('support/watched-process.ts', import.meta.url);
const QUERY = new URL('support/watched-query.ts', import.meta.url);

describe('watchdog, in processes of their own', () => {
  it('names the run whose code does not come to an end while it runs, and again when the event loop turns', async () => {
    const { code, stdout, stderr } = await runChild(PROGRAM, ['1500', 'window', 'report']);
    expect(stderr).toContain('Workflow spinning "order "ü"" (run r-1) has been running code for 200 ms');
    expect(stderr.match(/has been running/g)).toHaveLength(1);
    expect(JSON.parse(stdout)).toEqual({
      workflow: 'spinning',
      workflowId: 'order "ü"',
      runId: 'r-1',
      namespace: 'n',
    });
    expect(code).toBe(0);
  });

  it('ends the process where it is told to', async () => {
    const { code, stdout, stderr } = await runChild(PROGRAM, ['60000', 'window', 'exit']);
    expect(stderr).toContain('Workflow spinning "order "ü"" (run r-1)');
    // By a signal, before the loop has come to its end.
    expect({ code, stdout }).toEqual({ code: null, stdout: '' });
  });

  it('ends no process that a debugger has come to after its start', async () => {
    const { code, stderr } = await runChild(PROGRAM, ['1500', 'debugged', 'exit']);
    expect(stderr).toContain('The process goes on being of no use');
    expect(code).toBe(0);
  });

  it('blames no workflow for what keeps the process busy elsewhere, and does not end it for that', async () => {
    const { code, stdout, stderr } = await runChild(PROGRAM, ['1500', 'outside', 'exit']);
    expect(stderr).toContain('has not turned for 200 ms, and no workflow is running code');
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'null' });
  });

  it.each(['open', 'closed'])(
    'names a run that is %s and whose query does not come to an end, also where the process was busy before',
    async (state) => {
      const { code, stdout, stderr } = await runChild(QUERY, ['1500', state]);
      expect(stderr).toContain(String.raw`Workflow asked "a-1\n[Nest] \u001b[31m\u009bforged" (run`);
      expect(stderr).not.toContain('no workflow is running code');
      expect({ code, stdout }).toEqual({ code: 0, stdout: 'asked' });
    },
  );

  it('names the run whose window is open still, once code of another run was called', async () => {
    const { stderr } = await runChild(PROGRAM, ['1500', 'behind call', 'report']);
    expect(stderr).toContain('Workflow spinning "order "ü"" (run r-1) has been running code for 200 ms');
  });

  it('says nothing where windows close, and does not keep the process', async () => {
    const { code, stdout, stderr } = await runChild(PROGRAM, ['0', 'window', 'exit']);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('marks the run while its code runs, before it ends the process', async () => {
    const marks =
      "require('node:fs').writeSync(2, ['marked', run.namespace, run.workflowId, run.runId, data].join(' '))";
    const { code, stdout, stderr } = await runChild(PROGRAM, ['60000', 'window', 'exit', marks]);
    expect(stderr).toContain('marked n order "ü" r-1 some data');
    expect({ code, stdout }).toEqual({ code: null, stdout: '' });
  });

  it.each([
    [
      'throws',
      'throw new Error("no such host")',
      'could not be marked as what has stopped its process (no such host)',
    ],
    ['does not answer', 'return new Promise(() => undefined)', 'the journal did not answer'],
  ])('ends the process also where marking %s', async (_, program, reason) => {
    const { code, stdout, stderr } = await runChild(PROGRAM, ['60000', 'window', 'exit', program]);
    expect(stderr).toContain(reason);
    expect({ code, stdout }).toEqual({ code: null, stdout: '' });
  });
});
