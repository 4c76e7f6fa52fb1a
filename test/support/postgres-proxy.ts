import { once } from 'node:events';
import net from 'node:net';
import type { PostgresConnection } from '../../lib/journal/postgres/index.js';

interface Link {
  readonly client: net.Socket;
  readonly server: net.Socket;
  /** What the client has sent while its bytes were held back. */
  readonly held: Buffer[];
  /** It has asked for notifications. */
  listens: boolean;
}

/**
 * Stands between a client and the server, as a network does: it can hold bytes back on their way to the server or from
 * it, cut clients off, let what was held arrive after all, and fall silent.
 */
export class PostgresProxy {
  readonly #target: URL;
  readonly #listener = net.createServer((client) => this.#join(client));
  readonly #links = new Set<Link>();
  /** Which way bytes are held back on the links there are; new links are free. */
  readonly #holding = new Map<Link, 'to server' | 'to client'>();
  /** So many answers more go through before the ones behind them are held. */
  #answersFree = 0;
  /** Clients that nobody will ever answer. */
  readonly #unheard = new Set<net.Socket>();
  #silent = false;
  /** Of new links: so many answers get through, and nothing behind them. */
  #answersToNewcomers = Number.POSITIVE_INFINITY;
  /** Who waits for so many pieces more to go through. */
  readonly #watchers = new Set<() => void>();
  #onHeld = (): void => undefined;

  private constructor(url: string) {
    this.#target = new URL(url);
  }

  static async inFrontOf(url: string): Promise<PostgresProxy> {
    const proxy = new PostgresProxy(url);
    proxy.#listener.listen(0, '127.0.0.1');
    await once(proxy.#listener, 'listening');
    return proxy;
  }

  get connection(): PostgresConnection {
    const { port } = this.#listener.address() as net.AddressInfo;
    const { username, pathname } = this.#target;
    return { type: 'postgres', host: '127.0.0.1', port, username, database: pathname.slice(1) };
  }

  /** Holds back what goes this way on the present links. Resolves when there is something. */
  hold(way: 'to server' | 'to client', answersFree = 0): { somethingHeld: Promise<void> } {
    this.#answersFree = answersFree;
    const somethingHeld = new Promise<void>((resolve) => (this.#onHeld = resolve));
    for (const link of this.#links) this.#holding.set(link, way);
    return { somethingHeld };
  }

  /** Resolves when so many pieces of bytes more have gone through, either way. */
  passed(pieces: number): Promise<void> {
    return new Promise((resolve) => {
      let left = pieces;
      const watcher = (): void => {
        if (--left > 0) return;
        this.#watchers.delete(watcher);
        resolve();
      };
      this.#watchers.add(watcher);
    });
  }

  /**
   * Nothing gets through any more, either way, not even the end of a connection, and nobody is told. New clients find
   * the same, unless only those that listen are meant.
   */
  silence(whom: 'everybody' | 'who listens'): void {
    this.#silent = whom === 'everybody';
    const meant = [...this.#links].filter(({ listens }) => this.#silent || listens);
    if (meant.length === 0) throw new Error('There is no such connection.');
    for (const { client, server } of meant) {
      client.pause();
      server.pause();
    }
  }

  /** From now on a new client is answered so often, and then nothing gets through to it any more. */
  silenceNewcomers(answers: number): void {
    this.#answersToNewcomers = answers;
  }

  /** The present clients lose their connections; the server does not hear of it. */
  cut(): void {
    for (const { client } of this.#links) client.destroy();
  }

  /** The bytes that were held arrive at the server. Resolves when it has dealt with them and closed. */
  async deliver(): Promise<void> {
    const late = [...this.#holding.keys()];
    this.#holding.clear();
    for (const { server, held } of late) {
      if (server.destroyed) continue;
      const closed = new Promise<void>((resolve) => void server.once('close', () => resolve()));
      // One that was cut off before anything was held is ending already.
      if (server.writableEnded) {
        await closed;
        continue;
      }
      for (const bytes of held.splice(0)) server.write(bytes);
      // The answers go nowhere, but they have to be read.
      server.end();
      server.resume();
      await closed;
    }
  }

  async close(): Promise<void> {
    this.#listener.close();
    for (const { client, server } of this.#links) {
      client.destroy();
      server.destroy();
    }
    for (const client of this.#unheard) client.destroy();
    await once(this.#listener, 'close');
  }

  #join(client: net.Socket): void {
    if (this.#silent) return void this.#unheard.add(client.on('error', () => undefined));
    const { hostname, port } = this.#target;
    const host = decodeURIComponent(hostname);
    const server = host.startsWith('/')
      ? net.connect(`${host}/.s.PGSQL.${port || '5432'}`)
      : net.connect(Number(port || 5432), host);
    const link: Link = { client, server, held: [], listens: false };
    this.#links.add(link);
    let answersLeft = this.#answersToNewcomers;
    client.on('error', () => undefined);
    server.on('error', () => undefined);
    client.on('data', (bytes: Buffer) => {
      link.listens ||= bytes.includes('listen continuum');
      if (this.#holding.get(link) !== 'to server') {
        server.write(bytes);
        return this.#pass();
      }
      link.held.push(bytes);
      this.#onHeld();
    });
    server.on('data', (bytes: Buffer) => {
      if (this.#holding.get(link) === 'to client' && this.#answersFree-- <= 0) return this.#onHeld();
      if (answersLeft-- <= 0) return;
      if (!client.destroyed) client.write(bytes);
      this.#pass();
    });
    client.on('close', () => {
      // While bytes are held, the server must not hear of the end before them.
      if (!this.#holding.has(link)) server.end();
    });
    server.on('close', () => {
      this.#links.delete(link);
      client.destroy();
    });
  }

  #pass(): void {
    for (const watcher of this.#watchers) watcher();
  }
}
