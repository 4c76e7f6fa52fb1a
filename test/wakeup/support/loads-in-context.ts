/* Runs in a process of its own, started by root-context.spec.ts: loads the library inside a request, as a lazy module is. */
import { AsyncLocalStorage } from 'node:async_hooks';

const request = new AsyncLocalStorage<string>();
const seen = (): string => request.getStore() ?? 'none';

await request.run('request', async () => {
  const { inRootContext } = await import('../../../lib/concurrency/root-context.js');
  const later = inRootContext(async () => {
    await null;
    return seen();
  });
  console.log(JSON.stringify([inRootContext(seen), await later, seen()]));
});
