import type { Codec, WorkflowDefinition } from '../core/index.js';
import type { AsyncScope, Engine, Shell } from '../engine/index.js';
import type { Journal } from '../journal/index.js';
import type { Wakeup } from '../wakeup/index.js';
import type { MessageSender } from './message-sender.js';
import type { StartBatcher } from './start-batcher.js';
import type { ResultWaiter } from './result-waiter.js';

/** What a client works with. */
export interface ClientParts {
  readonly namespace: string;
  readonly journal: Journal;
  readonly codec: Codec;
  readonly wakeup: Wakeup;
  readonly shell: Shell;
  readonly scope: AsyncScope;
  readonly starts: StartBatcher;
  readonly sender: MessageSender;
  readonly results: ResultWaiter;
  /** The engine of this process; `undefined` in a client-only one. */
  readonly engine: () => Engine | undefined;
  /** What this process knows, by name and version: needed by queries and by starts by name. */
  readonly workflows: () => readonly WorkflowDefinition[];
  /**
   * Refuses a workflow that no worker can ever run, and tells once of one that other workers must run.
   *
   * @throws UnknownWorkflowError
   */
  readonly checkServed: (workflow: string, version: number) => void;
  /** Nothing takes turns here yet, though something will: of a journal in memory, nobody else can. */
  readonly idle: () => boolean;
}
