import { stackOf } from '../../core/index.js';

/** Frames of Node and of libraries come before the line that is looked for. */
const DEPTH = 60;
/** From a command to the line that called for it there are only frames of ours. */
const NEAR = 20;
const NODES = /\(node:|at node:|<anonymous>$/;
const LIBRARIES = /[\\/]node_modules[\\/]/;
/** Where Continuum itself stands in a stack, wherever it is: in the sources, or built. */
const OURS =
  /[\\/](engine[\\/](process[\\/](call-site|foreign-tracer)|replay-check[\\/]other-world)|core[\\/](fold[\\/]|activity-proxy)|lib[\\/]nest[\\/]workflow-injection)|[\\/]nestjs-continuum[\\/]/;

/** The line of the user's code that the process is at, as ` at …`; else the first that is neither Node's nor ours. */
export function callSite(): string {
  return lineIn(errorHere(DEPTH));
}

/** Keeps where the process is. The line is looked for when it is asked for: what takes long is to write a stack down. */
export function markCallSite(): () => string {
  const here = errorHere(NEAR);
  return () => lineIn(here);
}

function errorHere(depth: number): Error {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = depth;
  const error = new Error('where');
  Error.stackTraceLimit = limit;
  return error;
}

function lineIn(error: Error): string {
  const lines = (stackOf(error) ?? '').split('\n').slice(1);
  const foreign = lines.filter((line) => !NODES.test(line) && !OURS.test(line));
  const line = foreign.find((frame) => !LIBRARIES.test(frame)) ?? foreign[0];
  return line === undefined ? '' : ` ${line.trim()}`;
}
