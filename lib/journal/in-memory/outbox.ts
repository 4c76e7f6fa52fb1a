import type { Encoded } from '../../core/index.js';
import type { RunId } from '../ids.js';
import type { Outgoing } from '../port/index.js';
import { type ChildNews, letterName } from '../rules/letters.js';
import type { Actor, InMemoryStore, Letter } from './in-memory-store.js';

/** Keeps what a run sends to others, for `deliverLetters`. */
export function sendOut(
  store: InMemoryStore,
  { id: source, namespace, runId }: Actor,
  sends: readonly Outgoing[],
): void {
  const letters = sends.map((send): Letter => {
    const { workflowId, actorId, name = null, payload = null, reply: command, start } = send;
    if (send.kind === 'terminate') return { type: 'terminate', source, namespace, workflowId, actorId };
    const kind = send.kind === 'signal_with_start' ? 'signal' : send.kind;
    const message = { namespace, workflowId, actorId, runId: null, kind, name, payload, dedupeId: null };
    const reply = command === undefined ? null : { runId, command };
    return { type: 'message', source, message, ...(start && { start }), reply };
  });
  store.outbox = [...store.outbox, ...letters];
}

/** A child has ended: its parent is told, if it is still that run. */
export function tellParent(
  store: InMemoryStore,
  { id: source, namespace, parent, lineage }: Actor,
  news: ChildNews,
  payload: Encoded | null,
): void {
  if (parent === null || lineage === null) return;
  const { actorId, runId, command } = parent;
  const { workflowId } = lineage.parent;
  const name = letterName({ runId, command, news });
  const message = {
    namespace,
    workflowId,
    actorId,
    runId,
    kind: 'child_end',
    name,
    payload,
    dedupeId: null,
  } as const;
  store.outbox = [...store.outbox, { type: 'message', source, message, reply: null }];
}

/** A run has ended: what becomes of its children is done later, a few at a time. */
export function closeChildren(store: InMemoryStore, { id: source, namespace, runId }: Actor): void {
  if (childrenOf(store, runId).length > 0)
    store.outbox = [...store.outbox, { type: 'parent closed', source, namespace, runId }];
}

/** Children of a run that its end concerns. */
export function childrenOf(store: InMemoryStore, runId: RunId): readonly Actor[] {
  return [...store.actors.values()].filter(
    ({ parent, parentClose }) =>
      parent?.runId === runId && (parentClose === 'cancel' || parentClose === 'terminate'),
  );
}
