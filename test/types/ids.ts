import type { ResidentRuns } from '../../lib/engine/index.js';
import type { ActorId, Journal, RunId, WorkerId } from '../../lib/journal/index.js';

declare const runs: ResidentRuns;
declare const journal: Journal;
declare const actor: ActorId;
declare const run: RunId;
declare const worker: WorkerId;

// An actor keeps its id through the runs that follow its first one: a run's id does not find it.
runs.get(actor);
runs.ofRun(run);
// @ts-expect-error a run is no actor
runs.get(run);
// @ts-expect-error an actor is no run
runs.ofRun(actor);
// @ts-expect-error nor is a text
runs.get('0192f0c1-0000-7000-8000-000000000001');

void journal.heartbeat(worker);
// @ts-expect-error a run is no worker
void journal.heartbeat(run);

// Outside they are texts.
export const text: string = run;
