import { stackOf } from '../core/index.js';

/** Frames of Node and of libraries come before the line that is looked for. */
const DEPTH = 60;
const NODES = /\(node:|at node:|<anonymous>$/;
const LIBRARIES = /[\\/]node_modules[\\/]/;
/** This folder and the core's, wherever they are: in the sources, or built. */
const OURS =
  /[\\/](engine[\\/](call-site|foreign-tracer|other-world)|core[\\/](fold[\\/]|activity-proxy))|[\\/]nestjs-continuum[\\/]/;

/** The line of the user's code that the process is at, as ` at …`; else the first that is neither Node's nor ours. */
export function callSite(): string {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = DEPTH;
  const lines = (stackOf(new Error('where')) ?? '').split('\n').slice(1);
  Error.stackTraceLimit = limit;
  const foreign = lines.filter((line) => !NODES.test(line) && !OURS.test(line));
  const line = foreign.find((frame) => !LIBRARIES.test(frame)) ?? foreign[0];
  return line === undefined ? '' : ` ${line.trim()}`;
}
