import { pause } from '../engine/index.js';
import type { Batcher } from '../engine/index.js';
import type { Journal, Message, SendAnswer, Transaction } from '../journal/index.js';

/** What a message came to. */
export type Sent = Exclude<SendAnswer, { type: 'again' }>;

/** So many times a message goes along with a batch; then it is sent alone, waiting. */
const TRIES = 3;

/** Sends messages in batches, and keeps this process's order per workflow id: a repeated one does not fall behind. */
export class MessageSender {
  readonly #journal: Journal;
  readonly #batches: Batcher<Message, SendAnswer>;
  readonly #lines = new Map<string, Promise<unknown>>();

  constructor(journal: Journal, batches: Batcher<Message, SendAnswer>) {
    this.#journal = journal;
    this.#batches = batches;
  }

  /** Within the caller's transaction the target is held until the transaction ends. */
  async sendWithin(transaction: Transaction, message: Message): Promise<Sent> {
    const [answer] = await this.#journal.send([message], { within: transaction, wait: true });
    return final(answer!);
  }

  async send(message: Message): Promise<Sent> {
    const line = `${message.namespace}\u0000${message.workflowId}`;
    const before = this.#lines.get(line);
    const sent = before ? before.then(() => this.#sendNow(message)) : this.#sendNow(message);
    const settled = sent.catch(() => {});
    this.#lines.set(line, settled);
    try {
      return await sent;
    } finally {
      if (this.#lines.get(line) === settled) this.#lines.delete(line);
    }
  }

  async #sendNow(message: Message): Promise<Sent> {
    for (let tries = 1; tries <= TRIES; tries++) {
      const answer = await this.#batches.ask(message);
      if (answer.type !== 'again') return answer;
      await pause(tries);
    }
    const [answer] = await this.#journal.send([message], { wait: true });
    return final(answer!);
  }
}

function final(answer: SendAnswer): Sent {
  if (answer.type === 'again') throw new Error('A send that waits does not answer "again".');
  return answer;
}
