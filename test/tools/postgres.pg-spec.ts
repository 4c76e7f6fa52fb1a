import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { startPostgres } from '../../tools/postgres.mjs';
import { createDatabase, createSchema } from '../support/database.js';

async function query(url: string, sql: string): Promise<pg.QueryResultRow[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query<pg.QueryResultRow>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await sleep(10);
}

describe('the shared server', () => {
  it('gives a spec its own database', async () => {
    const database = await createDatabase();
    expect(await query(database.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await database.drop();
    await expect(query(database.url, 'select 1')).rejects.toThrow('does not exist');
  });

  it('gives a spec its own schema', async () => {
    const [one, two] = [await createSchema(), await createSchema()];
    await query(one.url, 'create table note (text text)');
    expect(await query(one.url, 'select text from note')).toEqual([]);
    expect(await query(one.url, 'select current_schema as name')).toEqual([{ name: one.schema }]);
    await expect(query(two.url, 'select text from note')).rejects.toThrow('does not exist');
    await one.drop();
    await two.drop();
  });
});

describe('a throw-away server', () => {
  it('keeps committed data over a crash, then leaves nothing behind', async () => {
    const server = await startPostgres();
    await query(server.url, `create table note as select 'kept' as text`);
    await server.restart();
    expect(await query(server.url, 'select text from note')).toEqual([{ text: 'kept' }]);
    await server.crash();
    await expect(query(server.url, 'select 1')).rejects.toThrow();
    await server.resume();
    expect(await query(server.url, 'select text from note')).toEqual([{ text: 'kept' }]);
    await server.stop();
    expect(existsSync(server.directory)).toBe(false);
  });

  it('stops, and says so, where its folder may not be removed', async () => {
    const place = mkdtempSync(join(tmpdir(), 'continuum-narrow-'));
    const script = `
      const { chmodSync } = await import('node:fs');
      const { startPostgres } = await import(process.argv[1]);
      const server = await startPostgres();
      // The server's user may not remove a folder from it; root may all the same.
      chmodSync(process.argv[2], 0o555);
      await server.stop();
      console.log('stopped');
    `;
    const args = ['--input-type=module', '-e', script, join(process.cwd(), 'tools/postgres.mjs'), place];
    chmodSync(place, 0o777);
    const child = spawn(process.execPath, args, {
      env: { ...process.env, TMPDIR: place },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.on('data', (text: Buffer) => (said += text.toString()));
    child.stderr.on('data', (text: Buffer) => (said += text.toString()));
    await once(child, 'close');
    chmodSync(place, 0o777);
    const left = readdirSync(place).filter((name) => name.startsWith('continuum-pg-'));
    rmSync(place, { recursive: true, force: true });
    expect(said).toMatch(/stopped\n$/);
    // Whoever may not remove it either, leaves it and names it.
    expect(left.filter((name) => !said.includes(name))).toEqual([]);
  });

  it('ends with a process that is killed', async () => {
    const holder = await hold();
    const { directory } = JSON.parse(holder.line) as { directory: string };
    expect(existsSync(directory)).toBe(true);
    await holder.kill();
    await until(() => !existsSync(directory));
  });
});

describe('a kept cluster', () => {
  const runtimes = new Set<string>();
  let project: string;
  let keep: string;
  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'continuum-project-'));
    chmodSync(project, 0o755);
    keep = join(project, '.continuum', 'postgres');
  });
  afterEach(() => {
    for (const folder of [realpathSync(keep), project, ...runtimes])
      rmSync(folder, { recursive: true, force: true });
    runtimes.clear();
  });

  /** Starts the cluster in this process. */
  const start = async () => {
    const server = await startPostgres({ keep });
    runtimes.add(decodeURIComponent(new URL(server.url).hostname));
    return server;
  };
  const lock = () => join(keep, 'data', 'postmaster.pid');

  it('survives a holder that is killed', async () => {
    const holder = await hold(keep);
    const { url } = JSON.parse(holder.line) as { url: string };
    await query(url, `create table note as select 'kept' as text`);
    await holder.kill();
    // At once, while the old server is still on its way out.
    const server = await start();
    expect(await query(server.url, 'select text from note')).toEqual([{ text: 'kept' }]);
    await server.stop();
    expect(existsSync(lock())).toBe(false);
    expect(readFileSync(join(keep, 'postgres.log'), 'utf8')).toContain('received fast shutdown request');
  });

  it('starts over a lock file whose process number belongs to another program by now', async () => {
    const before = await start();
    const left = readFileSync(lock(), 'utf8');
    await query(before.url, `create table note as select 'kept' as text`);
    await before.crash();
    await before.stop();
    writeFileSync(lock(), left.replace(/^\d+/, String(process.pid)));
    const after = await start();
    expect(await query(after.url, 'select text from note')).toEqual([{ text: 'kept' }]);
    await after.stop();
  });

  it('is shared by several processes and ends with the last one', async () => {
    const [first, second] = await Promise.all([hold(keep), hold(keep)]);
    expect(first.line).toBe(second.line);
    const third = await start();
    await first.kill();
    await second.kill();
    expect(await query(third.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await third.stop();
    expect(existsSync(lock())).toBe(false);
  });

  it('works in a folder that only its owner may enter', async () => {
    chmodSync(project, 0o700);
    await (await start()).stop();
    const again = await start();
    expect(await query(again.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    await again.stop();
  });
});

/** Another process that holds a server until it is killed; its line says url and directory. */
async function hold(keep?: string): Promise<{ readonly line: string; readonly kill: () => Promise<void> }> {
  const harness = join(process.cwd(), 'tools/postgres.mjs');
  const script = `
    const { startPostgres } = await import(process.argv[1]);
    const { url, directory } = await startPostgres(process.argv[2] ? { keep: process.argv[2] } : {});
    console.log(JSON.stringify({ url, directory }));
    setInterval(() => {}, 1000);
  `;
  const args = ['--input-type=module', '-e', script, harness, ...(keep === undefined ? [] : [keep])];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  const kill = async () => {
    child.kill('SIGKILL');
    await once(child, 'exit');
  };
  return { line: chunk.toString().trim(), kill };
}
