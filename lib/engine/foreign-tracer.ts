import { createHook } from 'node:async_hooks';
import { foreignBegan, stackOf, windowIsOpen } from '../core/index.js';
import { ROOT_TYPE } from '../wakeup/index.js';

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
/** Frames of Node come before the line that is looked for. */
const DEPTH = 40;

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

/** The first line that is neither Node's nor ours. */
function callSite(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  const lines = (stackOf(new Error('where')) ?? '').split('\n').slice(1);
  Error.stackTraceLimit = limit;
  const line = lines.find((frame) => !/node:|[\\/](engine[\\/]foreign-tracer|core[\\/]fold)/.test(frame));
  return line === undefined ? '' : ` ${line.trim()}`;
}
