import type { StartWithAnswer, StartWithRequest } from '../port/index.js';
import type { InMemoryStore, Lockable } from './in-memory-store.js';
import { sendMessage, wasSent } from './send-message.js';
import { startNeeds, startPlainly } from './start-runs.js';

/** Looks, and starts or sends, in one go. Whoever calls this has looked at the locks. */
export function startWith(store: InMemoryStore, { start, message }: StartWithRequest): StartWithAnswer {
  const { namespace, workflowId, runId } = start;
  const open = store.openActor(namespace, workflowId);
  if (open?.runId === runId) return { type: 'started', runId };
  if (wasSent(store, message)) return { type: 'duplicate' };
  if (open !== undefined && start.onConflict === 'useExisting') {
    const sent = sendMessage(store, { ...message, runId: open.runId });
    return sent.type === 'accepted'
      ? { type: 'sent', runId: open.runId, sent }
      : { type: 'closing', runId: open.runId };
  }
  const answer = startPlainly(store, start);
  if (answer.type !== 'started') return answer;
  sendMessage(store, { ...message, runId });
  if (message.kind === 'signal') store.putFirst(runId);
  return { type: 'started', runId };
}

/** What it may have to wait for. */
export function startWithNeeds(store: InMemoryStore, { start }: StartWithRequest): readonly Lockable[] {
  const open = store.openActor(start.namespace, start.workflowId);
  return [...startNeeds(store, start), ...(open ? [open] : [])];
}
