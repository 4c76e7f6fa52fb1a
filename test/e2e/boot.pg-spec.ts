import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import {
  InvalidOptionError,
  JournalError,
  JournalUnavailableError,
  SchemaError,
  Workflow,
} from 'nestjs-continuum';
import type { ContinuumModuleOptions } from 'nestjs-continuum';
import { continuumMigrations } from 'nestjs-continuum/migrations';
import { DataSource } from 'typeorm';
import { createDatabase } from '../support/database.js';
import { PostgresProxy } from '../support/postgres-proxy.js';
import type { TestDatabase } from '../support/database.js';
import { closeApps, compileApp, openApp } from './support/app.js';
import { caught } from './support/helpers.js';

@Workflow()
class GreetingWorkflow {
  async run(): Promise<string> {
    return 'Hello';
  }
}

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterEach(closeApps);
afterAll(() => database.drop());

/** How compile() rejects. An application that cannot begin says so soon. */
async function refusal(
  continuum: ContinuumModuleOptions,
): Promise<{ readonly error: unknown; readonly text: string }> {
  const began = performance.now();
  const error = await caught(compileApp({ continuum }));
  expect(performance.now() - began).toBeLessThan(7_000);
  // Where the journal cannot be reached, clients over HTTP are told less than who starts the application.
  const text = error instanceof JournalUnavailableError ? error.detail : String(error);
  return { error, text };
}

describe('a schema', () => {
  it('that is not migrated is refused by verify, with what is missing and the remedies', async () => {
    const connection = { url: database.url };
    const { error, text } = await refusal({ connection, schema: 'unmigrated', migrations: 'verify' });
    expect(error).toBeInstanceOf(SchemaError);
    expect(text).toMatch(
      /schema "unmigrated".*lacks table .*migrations: 'run'.*continuumMigrations\('unmigrated'\)/s,
    );
  });

  it('that lacks a column is refused by verify, and named', async () => {
    const connection = { url: database.url };
    await openApp({ continuum: { connection, schema: 'older' } });
    await closeApps();
    const admin = await new DataSource({ type: 'postgres', url: database.url }).initialize();
    await admin.query('alter table older.runs drop column attributes');
    await admin.destroy();
    const { error, text } = await refusal({ connection, schema: 'older', migrations: 'verify' });
    expect(error).toBeInstanceOf(SchemaError);
    expect(text).toMatch(/column runs\.attributes/);
  });

  it("may be migrated with the application's own migrations, and is then verified", async () => {
    const application = new DataSource({
      type: 'postgres',
      url: database.url,
      migrations: [...continuumMigrations('migrated')],
    });
    await application.initialize();
    await application.runMigrations();
    const { client } = await openApp({
      continuum: { connection: application, schema: 'migrated', migrations: 'verify' },
      providers: [GreetingWorkflow],
    });
    expect(await client.execute(GreetingWorkflow)).toBe('Hello');
    await closeApps();
    await application.destroy();
  });
});

describe('a database that cannot be reached', () => {
  const unreachable = (url: string) => refusal({ connection: { url }, retryAttempts: 1 });

  it('because nothing listens', async () => {
    const { error, text } = await unreachable('postgres://me:secret@127.0.0.1:1/orders');
    expect(error).toBeInstanceOf(JournalUnavailableError);
    expect(text).toMatch(/127\.0\.0\.1:1\/orders\) cannot be reached: .*ECONNREFUSED.*Check that it runs/s);
    expect(text).not.toContain('secret');
  });

  it('because its host is unknown', async () => {
    const { error, text } = await unreachable('postgres://me@database.invalid/orders');
    expect(error).toBeInstanceOf(JournalUnavailableError);
    expect(text).toMatch(/database\.invalid:5432\/orders\) cannot be reached/);
  });

  it('because it is not there', async () => {
    const url = new URL(database.url);
    url.pathname = '/nowhere';
    const { error, text } = await unreachable(url.href);
    expect(error).toBeInstanceOf(JournalUnavailableError);
    expect(text).toMatch(/database "nowhere" does not exist/);
  });

  it('because whoever listens never answers', async () => {
    const sockets = new Set<Socket>();
    const silent = createServer((socket) => sockets.add(socket));
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = silent.address() as AddressInfo;
      const { error, text } = await unreachable(`postgres://me@127.0.0.1:${port}/orders`);
      expect(error).toBeInstanceOf(JournalUnavailableError);
      expect(text).toMatch(/cannot be reached: .*timeout/i);
    } finally {
      for (const socket of sockets) socket.destroy();
      silent.close();
    }
  }, 15_000);
});

describe('a database that is starting', () => {
  /** Stands before the server, and ends the first connections at once. */
  async function refusesAtFirst(times: number) {
    let tries = 0;
    const proxy = await PostgresProxy.inFrontOf(database.url);
    const { host, port, username, database: name } = proxy.connection;
    const listener = createServer((socket) => {
      if (++tries <= times) {
        socket.destroy();
        return;
      }
      const server = connect(port ?? 0, host ?? '');
      for (const end of [socket, server]) end.on('error', () => undefined);
      socket.pipe(server).pipe(socket);
    });
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    // A server that listens on a port has an address.
    const { port: own } = listener.address() as AddressInfo;
    const close = async (): Promise<void> => {
      listener.close();
      await proxy.close();
    };
    return {
      url: `postgres://${String(username)}@127.0.0.1:${own}/${String(name)}`,
      tries: () => tries,
      close,
    };
  }

  it('is tried again, as often as it is told', async () => {
    const starting = await refusesAtFirst(2);
    try {
      const { client } = await openApp({
        continuum: { connection: { url: starting.url }, schema: 'starting', retryDelay: 1 },
        providers: [GreetingWorkflow],
      });
      expect(await client.execute(GreetingWorkflow)).toBe('Hello');
      await closeApps();
    } finally {
      await starting.close();
    }
  });

  it('ends the application when it does not come up in time', async () => {
    const starting = await refusesAtFirst(1_000);
    try {
      const { error } = await refusal({
        connection: { url: starting.url },
        retryAttempts: 3,
        retryDelay: 1,
      });
      expect(error).toBeInstanceOf(JournalUnavailableError);
      expect(starting.tries()).toBe(3);
    } finally {
      await starting.close();
    }
  });

  it('that is there and not migrated is told at once', async () => {
    const connection = { url: database.url };
    const { error } = await refusal({
      connection,
      schema: 'never_migrated',
      migrations: 'verify',
      retryDelay: 60_000,
    });
    expect(error).toBeInstanceOf(SchemaError);
  });
});

describe('a DataSource', () => {
  it('that the application does not have', async () => {
    const { error, text } = await refusal({ connection: 'orders' });
    expect(error).toBeInstanceOf(InvalidOptionError);
    expect(text).toMatch(
      /connection: 'orders' names a DataSource .* does not have.*TypeOrmModule\.forRoot\({ name: 'orders'/s,
    );
  });

  it('that is none of Postgres', async () => {
    // As much of one as is looked at; TypeORM makes none without its driver.
    const other = { options: { type: 'mysql' }, createQueryRunner: () => undefined };
    const { error, text } = await refusal({ connection: other });
    expect(error).toBeInstanceOf(JournalError);
    expect(text).toMatch(/type "postgres".*type "mysql"/);
  });
});
