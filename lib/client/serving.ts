import type { ServedWorkflow } from '../journal/index.js';
import type { ClientParts } from './client-parts.js';

/** Whether a worker takes runs of the workflow: that of this process, or another one that is known to be alive. One read at most. */
export async function isServed(
  { engine, idle, journal }: Pick<ClientParts, 'engine' | 'idle' | 'journal'>,
  { namespace, workflow, version }: ServedWorkflow,
): Promise<boolean> {
  // The worker of this process is about to begin, or is at work.
  if (idle()) return true;
  const here = engine();
  if (here?.accepting && here.runs.definitionOf(workflow, version)) return true;
  const [served] = await journal.served([{ namespace, workflow, version }]);
  return served !== false;
}
