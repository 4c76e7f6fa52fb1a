import { AsyncLocalStorage } from 'node:async_hooks';
import { inRootContext } from '../../lib/concurrency/index.js';
import { describe, expect, it } from '@jest/globals';
import { runChild } from '../support/child-process.js';

const store = new AsyncLocalStorage<string>();
const PROGRAM = new URL('support/loads-in-context.ts', import.meta.url);

describe('the root context', () => {
  it('F25: has no store, at once and after awaits, and its caller keeps its own', async () => {
    await store.run('caller', async () => {
      const seen = await inRootContext(async (...given: number[]) => {
        const first = store.getStore();
        await new Promise((resolve) => setTimeout(resolve, 1));
        return [first, store.getStore(), ...given];
      }, 1);
      expect([seen, store.getStore()]).toEqual([[undefined, undefined, 1], 'caller']);
    });
  });

  it('F25: keeps nothing that is entered in it, also where one stands in another', async () => {
    inRootContext(() => store.enterWith('left behind'));
    const nested = inRootContext(() => store.run('outer', () => inRootContext(() => store.getStore())));
    expect([nested, inRootContext(() => store.getStore())]).toEqual([undefined, undefined]);
    expect(await inRootContext(async () => store.getStore())).toBeUndefined();
  });

  it('F25: is empty too where it was loaded inside a context', async () => {
    const { code, stdout, stderr } = await runChild(PROGRAM);
    expect({ code, stderr, seen: JSON.parse(stdout) as unknown }).toEqual({
      code: 0,
      stderr: '',
      seen: ['none', 'none', 'request'],
    });
  });
});
