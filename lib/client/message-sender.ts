import { Backoff, ContentionError, JournalError, mayBeOneAtFault } from '../journal/index.js';
import { Batcher, pause } from '../concurrency/index.js';
import type { JournalSending, Message, SendAnswer, Transaction } from '../journal/index.js';
import type { Hint } from '../wakeup/index.js';

/** What a message came to. */
export type Sent = Exclude<SendAnswer, { type: 'again' | 'unanswered' }>;

/** If a worker holds the run, it should read its inbox; otherwise one should claim it. */
export const hintOf = ({ owner, actorId }: Extract<SendAnswer, { type: 'accepted' }>): Hint =>
  owner === null ? { type: 'run ready' } : { type: 'message arrived', actorId };

/** How long a message waits while its target is locked, in ms. */
const SEND_TIMEOUT = 10_000;
/** The first pause between two tries, and the longest, in ms. */
const FIRST_PAUSE = 1;
const LONGEST_PAUSE = 100;
/** So many messages of one line are sent together. */
const GROUP = 200;

interface Waiting {
  readonly message: Message;
  /** By the monotonic clock. */
  readonly until: number;
  readonly resolve: (sent: Sent) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Sends messages in batches, and keeps their order for each workflow id: messages to one id wait in one line. While their
 * target is locked they wait together, and hold up no other line, no batch and no connection.
 */
export class MessageSender {
  readonly #journal: JournalSending;
  readonly #batches: Batcher<readonly Message[], readonly SendAnswer[]>;
  readonly #timeout: number;
  readonly #lines = new Map<string, Waiting[]>();

  /** @param timeout how long a message waits while its target is locked, in ms; defaults to 10 s */
  constructor(journal: JournalSending, timeout = SEND_TIMEOUT) {
    this.#journal = journal;
    this.#timeout = timeout;
    this.#batches = new Batcher((groups) => sendGroups(journal, groups), {
      size: bytesOf,
      oneAtFault: mayBeOneAtFault,
    });
  }

  /** Within the caller's transaction the target is held until the transaction ends. */
  async sendWithin(transaction: Transaction, message: Message): Promise<Sent> {
    const [answer] = await this.#journal.send([message], { within: transaction, wait: true });
    return decided(message, answer);
  }

  /** Throws {@link ContentionError} when the target is locked for too long. */
  send(message: Message): Promise<Sent> {
    const key = `${message.namespace}\u0000${message.workflowId}`;
    return new Promise((resolve, reject) => {
      const waiting = { message, until: performance.now() + this.#timeout, resolve, reject };
      const line = this.#lines.get(key);
      if (line) line.push(waiting);
      else {
        this.#lines.set(key, [waiting]);
        void this.#serve(key);
      }
    });
  }

  /** Sends until the line is empty. */
  async #serve(key: string): Promise<void> {
    const line = this.#lines.get(key) ?? [];
    let backoff: Backoff | undefined;
    while (line.length > 0) {
      const group = line.slice(0, GROUP);
      const left = await this.#sendGroup(group);
      line.splice(0, group.length, ...left);
      if (left.length === 0) backoff = undefined;
      else await pause((backoff ??= new Backoff(LONGEST_PAUSE, FIRST_PAUSE)).next());
    }
    this.#lines.delete(key);
  }

  /** Settles those that were answered, and those that have waited for too long; gives the others. */
  async #sendGroup(group: readonly Waiting[]): Promise<readonly Waiting[]> {
    let answers: readonly SendAnswer[];
    try {
      answers = await this.#batches.ask(group.map(({ message }) => message));
    } catch (error) {
      return this.#groupFailed(group, error);
    }
    const now = performance.now();
    return group.filter(({ message, until, resolve, reject }, i) => {
      const answer = answers[i];
      if (answer?.type === 'again' && now < until) return true;
      try {
        resolve(decided(message, answer));
      } catch (error) {
        reject(error);
      }
      return false;
    });
  }

  async #groupFailed(group: readonly Waiting[], error: unknown): Promise<readonly Waiting[]> {
    if (!mayBeOneAtFault(error) || group.length === 1) {
      for (const { reject } of group) reject(error);
      return [];
    }
    // One message that cannot be stored must not fail the others of its line. After one that has to wait, all others of its
    // line wait too, so that they keep their order.
    for (const [i, waiting] of group.entries()) {
      const left = await this.#sendGroup([waiting]);
      if (left.length > 0) return group.slice(i);
    }
    return [];
  }
}

/** In one call, so that messages of one line keep their order. */
async function sendGroups(
  journal: JournalSending,
  groups: readonly (readonly Message[])[],
): Promise<readonly (readonly SendAnswer[])[]> {
  const answers = await journal.send(groups.flat());
  let from = 0;
  return groups.map((group) => answers.slice(from, (from += group.length)));
}

const bytesOf = (group: readonly Message[]): number =>
  group.reduce((bytes, { payload }) => bytes + 100 + (payload?.length ?? 0), 0);

function decided(message: Message, answer: SendAnswer | undefined): Sent {
  switch (answer?.type) {
    case undefined:
      throw new JournalError(`The ${message.kind} to "${message.workflowId}" got no answer.`, {
        ambiguous: true,
      });
    case 'again':
      throw new ContentionError(
        `Somebody holds the workflow "${message.workflowId}", an open transaction that has signalled it perhaps, and the ${message.kind} has waited for its end for too long. Nothing was sent: send it again, and send late in a transaction.`,
      );
    case 'unanswered':
      throw answer.error;
    case 'accepted':
    case 'duplicate':
    case 'not running':
      return answer;
    default:
      return answer satisfies never;
  }
}
