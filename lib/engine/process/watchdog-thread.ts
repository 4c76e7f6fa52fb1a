/**
 * What the watchdog's thread runs. It is text, because it starts wherever the application was bundled to, in whichever
 * module format; and it is JavaScript without imports of ours, because it must work while nothing else does.
 *
 * It looks at shared memory every `poll` ms and counts looks instead of reading a clock: a process that was stopped as
 * a whole, with this thread, has not been stuck.
 */
export const WATCHDOG_THREAD = String.raw`
'use strict';
const { parentPort, workerData } = require('node:worker_threads');
const { writeSync } = require('node:fs');
const { shared, poll, timeout, slotBytes, mark } = workerData;
const cells = new Int32Array(shared, 0, 5);
const [WINDOWS, SLOT, BEATS, STOPPED, DEBUGGED] = [0, 1, 2, 3, 4];
const MARK_TIMEOUT = 3000;
const enough = Math.ceil(timeout / poll);

function runIn(slot) {
  const bytes = Buffer.from(shared, 20 + (slot - 1) * slotBytes, slotBytes);
  const [workflow, workflowId, runId, namespace] = Buffer.from(bytes).toString('utf8').split('\0');
  return { workflow, workflowId, runId, namespace };
}

// The main thread cannot print: process.stderr of a thread goes through it.
function say(text) {
  // Ids come from outside: they neither begin a line nor steer a terminal.
  const line = text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, (c) => JSON.stringify(c).length > 3 ? JSON.stringify(c).slice(1, -1) : '\\u' + c.charCodeAt(0).toString(16).padStart(4, '0'));
  try { writeSync(2, '[Continuum] ' + line + '\n'); } catch { /* Nobody reads it. */ }
}

// Tells the journal. A journal that does not answer must not keep a process that is to be ended.
async function markRun(run) {
  if (mark === null) return;
  let timer;
  try {
    const work = new Function('run', 'data', 'require', mark.program)(run, mark.data, require);
    await Promise.race([work, new Promise((_, reject) => {
      timer = setTimeout(() => reject(new Error('the journal did not answer')), MARK_TIMEOUT);
    })]);
  } catch (error) {
    say('Run ' + run.runId + ' could not be marked as what has stopped its process (' + error.message + '). It is found out when it has stopped more of them.');
  } finally {
    clearTimeout(timer);
  }
}

async function tellOfRun(run) {
  const debugged = Atomics.load(cells, DEBUGGED) !== 0;
  const ends = workerData.ends && !debugged;
  say('Workflow ' + run.workflow + ' "' + run.workflowId + '" (run ' + run.runId + ') has been running code for ' + timeout + ' ms without an await, and process ' + process.pid + ' can do nothing else: it is in an endless loop, or computes what belongs into an activity.' + (ends ? ' The process is ended now.' : ' The process goes on being of no use until it is restarted.'));
  parentPort.postMessage({ run });
  // At a breakpoint the run is not to blame.
  if (!debugged) await markRun(run);
  if (ends) process.kill(process.pid, 'SIGKILL');
}

function tellOfOthers() {
  say('The event loop of process ' + process.pid + ' has not turned for ' + timeout + ' ms, and no workflow is running code: an activity or the application keeps it busy. Its runs are taken over by other workers. Give long computations to a worker thread.');
  parentPort.postMessage({ run: null });
}

async function watch() {
  let [windows, beats, windowLooks, beatLooks, told] = [-1, -1, 0, 0, null];
  while (Atomics.wait(cells, STOPPED, 0, poll) === 'timed-out') {
    const slot = Atomics.load(cells, SLOT);
    const window = Atomics.load(cells, WINDOWS);
    const beat = Atomics.load(cells, BEATS);
    windowLooks = slot !== 0 && window === windows ? windowLooks + 1 : 0;
    beatLooks = beat === beats ? beatLooks + 1 : 0;
    windows = window;
    beats = beat;
    if (windowLooks >= enough) {
      if (told !== 'run') { told = 'run'; await tellOfRun(runIn(slot)); }
    } else if (beatLooks < enough) told = null;
    // A window that has opened behind the last beat may yet turn out to be what keeps the next one from coming.
    else if (told === null && windowLooks === 0) { told = 'others'; tellOfOthers(); }
  }
}

void watch();
`;
