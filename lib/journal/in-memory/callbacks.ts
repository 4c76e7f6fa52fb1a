import type { CommandId } from '../../core/index.js';
import type { ActorId, RunId } from '../ids.js';
import type { CallbackOpening, CallbackRef } from '../port/index.js';
import type { Actor } from './in-memory-store.js';

export interface StoredCallback {
  readonly runId: RunId;
  readonly command: CommandId;
  readonly actorId: ActorId;
  readonly namespace: string;
  readonly key: string | null;
  open: boolean;
  /** The dedupe id of what has settled it; `null` while it is open, and of one that was withdrawn. */
  messageId: string | null;
}

/** Every callback that was opened. */
export class CallbackRows {
  /** In the order in which they were opened. */
  readonly #ofRun = new Map<RunId, Map<CommandId, StoredCallback>>();
  readonly #ofKey = new Map<string, StoredCallback[]>();

  /** `false`: an open one has its key. */
  open({ id: actorId, runId, namespace }: Actor, { command, key }: CallbackOpening): boolean {
    const callback: StoredCallback = { runId, command, actorId, namespace, key, open: true, messageId: null };
    if (key !== null) {
      const rivals = this.#withKey(namespace, key);
      if (rivals.some(({ open }) => open)) return false;
      rivals.push(callback);
    }
    const ofRun = this.#ofRun.get(runId) ?? new Map<CommandId, StoredCallback>();
    this.#ofRun.set(runId, ofRun.set(command, callback));
    return true;
  }

  withdraw(runId: RunId, command: CommandId): void {
    const callback = this.#ofRun.get(runId)?.get(command);
    if (callback) callback.open = false;
  }

  endOf(runId: RunId): void {
    for (const callback of this.#ofRun.get(runId)?.values() ?? []) callback.open = false;
  }

  /**
   * Of one key: the callback that a message with this id has settled, so that it settles no later one; else the one that is open;
   * else the latest.
   */
  find(namespace: string, callback: CallbackRef, dedupeId: string): StoredCallback | undefined {
    if (callback.by === 'command') {
      const found = this.#ofRun.get(callback.runId)?.get(callback.command);
      return found?.namespace === namespace ? found : undefined;
    }
    const all = this.#withKey(namespace, callback.key);
    return (
      all.findLast(({ messageId }) => messageId === dedupeId) ?? all.find(({ open }) => open) ?? all.at(-1)
    );
  }

  #withKey(namespace: string, key: string): StoredCallback[] {
    const place = keyOf(namespace, key);
    const all = this.#ofKey.get(place) ?? [];
    this.#ofKey.set(place, all);
    return all;
  }
}

const keyOf = (namespace: string, key: string): string => JSON.stringify([namespace, key]);
