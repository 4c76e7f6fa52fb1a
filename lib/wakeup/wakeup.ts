import { asActorId, asRunId } from '../journal/index.js';
import type { ActorId, JournalHints, RunId } from '../journal/index.js';
import { inRootContext } from '../concurrency/index.js';

/** There may be work. A hint that is lost costs one poll interval, nothing else. */
export type Hint =
  /** Some run can be claimed. */
  | { readonly type: 'run ready' }
  /** An actor's inbox has a new message. */
  | { readonly type: 'message arrived'; readonly actorId: ActorId | '*' }
  /** Updates of an actor's run have answers. */
  | { readonly type: 'updates answered'; readonly actorId: ActorId | '*' }
  /** Runs have sent something to each other. */
  | { readonly type: 'messages to deliver' }
  /** A run has ended. */
  | { readonly type: 'run closed'; readonly runId: RunId | '*' };

export type HintListener = (hint: Hint) => void;

/** So many hints of one interval are sent one by one; more of them say as much as "look at everything". */
const LISTED = 50;
/** At most this often hints leave the process: NOTIFY makes writers queue. In ms. */
const INTERVAL = 50;

/**
 * Carries hints: at once inside the process, gathered and a few times a second to the others.
 *
 * Nothing may depend on it: every listener polls as well.
 */
export class Wakeup {
  readonly #listeners = new Set<HintListener>();
  readonly #outgoing = new Set<string>();
  readonly #journal: JournalHints;
  /** The first text of everything that this process sends. By it a process knows its own hints, which it has heard already. */
  readonly #header: string;
  /** Other applications may share the schema, and with it the channel: hints of other namespaces are passed over. */
  readonly #namespace: string;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> = Promise.resolve();
  #unlisten: (() => Promise<void>) | undefined;
  #stopped = false;

  constructor(journal: JournalHints, namespace: string, self: string) {
    this.#journal = journal;
    this.#namespace = namespace;
    this.#header = `@${self} ${namespace}`;
  }

  /** Begins to hear other processes. Failing to is no error: polling goes on. */
  async start(): Promise<void> {
    this.#unlisten = await this.#journal.listen((texts) => {
      for (const text of texts) this.#heard(text);
    });
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#flush();
    await this.#sending;
    await this.#unlisten?.();
    this.#unlisten = undefined;
    this.#listeners.clear();
  }

  listen(listener: HintListener): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(hint: Hint): void {
    this.#deliver(hint);
    this.tellOthers(hint);
  }

  /** Tells this process only: it is the one that acts on it, and others would be in its way. */
  tellHere(hint: Hint): void {
    this.#deliver(hint);
  }

  /** Tells other processes only, of something that this one knows already. */
  tellOthers(hint: Hint): void {
    if (this.#stopped) return;
    this.#outgoing.add(write(hint));
    this.#timer ??= inRootContext(() =>
      setTimeout(() => {
        this.#timer = undefined;
        this.#flush();
      }, INTERVAL).unref(),
    );
  }

  #deliver(hint: Hint): void {
    // In an empty context: a run must see nothing of the request that woke it.
    inRootContext(() => {
      for (const listener of this.#listeners) listener(hint);
    });
  }

  #flush(): void {
    if (this.#outgoing.size === 0) return;
    const texts = this.#outgoing.size > LISTED ? ['*'] : [...this.#outgoing];
    this.#outgoing.clear();
    this.#sending = this.#journal.notify([this.#header, ...texts]).catch(() => {
      // The hint is lost: what it told is found by the next poll.
    });
  }

  #muted = false;
  #heard(text: string): void {
    if (text.startsWith('@')) this.#muted = text === this.#header || !this.#isForUs(text);
    else if (this.#muted) return;
    else if (text === '*') this.#everything();
    else this.#deliver(read(text));
  }

  /** Older versions told no namespace: their hints may be meant for any. */
  #isForUs(header: string): boolean {
    const end = header.indexOf(' ');
    return end < 0 || header.slice(end + 1) === this.#namespace;
  }

  #everything(): void {
    this.#deliver({ type: 'run ready' });
    this.#deliver({ type: 'messages to deliver' });
    this.#deliver({ type: 'message arrived', actorId: '*' });
    this.#deliver({ type: 'updates answered', actorId: '*' });
    this.#deliver({ type: 'run closed', runId: '*' });
  }
}

function write(hint: Hint): string {
  switch (hint.type) {
    case 'run ready':
      return 'r';
    case 'message arrived':
      return `m${hint.actorId}`;
    case 'updates answered':
      return `a${hint.actorId}`;
    case 'run closed':
      return `c${hint.runId}`;
    case 'messages to deliver':
      return 'o';
  }
}

function read(text: string): Hint {
  const subject = text.slice(1);
  if (text.startsWith('m')) return { type: 'message arrived', actorId: asActorId(subject) };
  if (text.startsWith('a')) return { type: 'updates answered', actorId: asActorId(subject) };
  if (text.startsWith('c')) return { type: 'run closed', runId: asRunId(subject) };
  return { type: text === 'o' ? 'messages to deliver' : 'run ready' };
}
