import type { Codec, WorkflowDefinition } from '../core/index.js';
import type { AsyncScope, Engine, WindowScheduler } from '../engine/index.js';
import type {
  JournalCallbacks,
  JournalOperations,
  JournalReading,
  JournalSending,
} from '../journal/index.js';
import type { Wakeup } from '../wakeup/index.js';
import type { MessageSender } from './message-sender.js';
import type { StartBatcher } from './start-batcher.js';
import type { ResultWaiter } from './result-waiter.js';
import type { UpdateWaiter } from './update-waiter.js';

/** What a client works with. */
export interface ClientParts {
  readonly namespace: string;
  readonly journal: JournalSending & JournalCallbacks & JournalReading & JournalOperations;
  readonly codec: Codec;
  readonly wakeup: Wakeup;
  readonly scheduler: WindowScheduler;
  readonly scope: AsyncScope;
  readonly starts: StartBatcher;
  readonly sender: MessageSender;
  readonly results: ResultWaiter;
  readonly updates: UpdateWaiter;
  /** Who asks, where a call does not say so; `undefined` for nobody. */
  readonly actor: () => string | undefined;
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
  /** Why the worker of this process has not begun; `null` where it has, or where there is none. */
  readonly idle: () => Idle | null;
}

export type Idle =
  /** It waits for the hooks of the application, and so for what they wait for. */
  | 'too early'
  /** The application ends before it could. */
  | 'too late';

/** Refuses a wait that cannot end, because the worker of this process begins only after it. */
export function checkAtWork({ idle }: Pick<ClientParts, 'idle'>): void {
  const why = idle();
  if (why !== null) throw new Error(NOT_AT_WORK[why]);
}

const NOT_AT_WORK: Readonly<Record<Idle, string>> = {
  'too early':
    'The worker of this process has not begun: it does when every onModuleInit and onApplicationBootstrap hook has ended, so whoever waits for a result before that may wait for itself. Start the workflow there and wait for its result later; outside of hooks, call app.init() first.',
  'too late':
    'The application is closing, and the worker of this process does not begin any more, so nobody here would bring a result. Start the workflow without waiting: another process runs it, or the next one of this application.',
};
