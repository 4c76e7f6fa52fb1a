import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** The sockets of all connections, so that they can be ended when the other side says nothing any more. */
export class Sockets {
  readonly #open = new Set<Duplex>();

  /** In the driver's options: it asks for one per connection. An application may have a way of its own. */
  readonly tracked =
    (theirs: unknown) =>
    (...config: readonly unknown[]): Duplex => {
      const socket = typeof theirs === 'function' ? (theirs(...config) as Duplex) : new Socket();
      this.#open.add(socket);
      socket.once('close', () => this.#open.delete(socket));
      return socket;
    };

  /** Destroys them, so that whatever waits for an answer fails at once. */
  destroy(): void {
    for (const socket of this.#open) socket.destroy();
  }
}
