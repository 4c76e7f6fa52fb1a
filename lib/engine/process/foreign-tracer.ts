import { createHook } from 'node:async_hooks';
import { ROOT_TYPE } from '../../concurrency/index.js';
import { foreignBegan, windowIsOpen } from '../../core/index.js';
import { callSite } from './call-site.js';

/** What promises are made of, and what printing a line takes: none of it waits for the outside. */
const QUIET: ReadonlySet<string> = new Set([
  'PROMISE',
  'TickObject',
  'Microtask',
  'RANDOMBYTESREQUEST',
  'TTYWRAP',
  'PIPEWRAP',
  'WRITEWRAP',
  ROOT_TYPE,
]);

let users = 0;
const hook = createHook({
  init(_id, type) {
    if (windowIsOpen() && !QUIET.has(type)) foreignBegan(`${type}${callSite()}`);
  },
});

/**
 * Names what workflow code begins that is not durable, with the line where it stands, so that the error about a foreign
 * await can say it (F13, F30). For development: it costs a look at everything asynchronous in the process. Several
 * engines share it. Returns what ends this one's share.
 */
export function traceForeign(): () => void {
  if (users++ === 0) hook.enable();
  let ended = false;
  return () => {
    if (ended) return;
    ended = true;
    if (--users === 0) hook.disable();
  };
}
