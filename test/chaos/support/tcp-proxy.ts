import { connect, createServer } from 'node:net';
import type { AddressInfo, NetConnectOpts, Server, Socket } from 'node:net';

/** A network between one process and the database, which can be slow, watched and cut. */
export class TcpProxy {
  readonly #server: Server;
  readonly #target: NetConnectOpts;
  readonly #pairs = new Set<readonly [client: Socket, database: Socket]>();
  readonly #waiting = new Set<Socket>();
  readonly #watchers = new Set<(sent: Buffer) => void>();
  /** How long everything takes on its way, in ms. */
  #delay = 0;
  #cut = false;

  private constructor(target: NetConnectOpts) {
    this.#target = target;
    this.#server = createServer((client) => {
      client.on('error', () => client.destroy());
      if (this.#cut) this.#waiting.add(client);
      else this.#join(client);
    });
  }

  static async open(databaseUrl: string): Promise<TcpProxy> {
    const proxy = new TcpProxy(addressOf(new URL(databaseUrl)));
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** The same database, on the other side of this network. */
  through(databaseUrl: string): string {
    const url = new URL(databaseUrl);
    // An address over TCP is always an object.
    url.host = `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    url.searchParams.delete('host');
    return url.href;
  }

  /** From now on everything takes `ms` longer, either way. */
  slow(ms: number): void {
    this.#delay = ms;
  }

  /** Resolves when the process sends something with this text in it, before it is on its way. */
  sends(text: string): Promise<void> {
    return new Promise((resolve) => {
      const watch = (sent: Buffer): void => {
        if (!sent.includes(text)) return;
        this.#watchers.delete(watch);
        resolve();
      };
      this.#watchers.add(watch);
    });
  }

  /** Nothing gets through any more, and nobody is told. */
  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.pause();
  }

  /**
   * Goes on. What was on its way `arrives` late, or is `lost` with the connections, as after a cut that lasted too long for
   * them; or the old connections are `never heard of` again, and only new ones get through.
   */
  heal(onItsWay: 'arrives' | 'is lost' | 'is never heard of'): void {
    this.#cut = false;
    for (const socket of this.#sockets) {
      if (onItsWay === 'arrives') socket.resume();
      else if (onItsWay === 'is lost') socket.destroy();
    }
    for (const client of this.#waiting) this.#join(client);
    this.#waiting.clear();
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of [...this.#sockets, ...this.#waiting]) socket.destroy();
    await closed;
  }

  get #sockets(): readonly Socket[] {
    return [...this.#pairs].flat();
  }

  #join(client: Socket): void {
    const database = connect(this.#target);
    const pair = [client, database] as const;
    this.#pairs.add(pair);
    client.on('data', (sent: Buffer) => {
      for (const watch of this.#watchers) watch(sent);
    });
    for (const [from, to] of [pair, [database, client] as const]) {
      from.on('data', (data) => this.#pass(() => to.write(data)));
      from.on('error', () => from.destroy());
      from.on('close', () => {
        this.#pairs.delete(pair);
        this.#pass(() => to.destroy());
      });
    }
  }

  /** In order: timers of one length go off one after the other, and it only ever grows. */
  #pass(arrives: () => void): void {
    if (this.#delay === 0) arrives();
    else setTimeout(arrives, this.#delay);
  }
}

function addressOf(url: URL): NetConnectOpts {
  const host = decodeURIComponent(url.searchParams.get('host') ?? url.hostname);
  const port = Number(url.port || 5432);
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host: host || '127.0.0.1', port };
}
