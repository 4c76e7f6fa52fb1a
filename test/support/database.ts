import { randomUUID } from 'node:crypto';
import pg from 'pg';

export interface TestSchema {
  /** URL of the shared database; the schema is first in the search path of its connections. */
  readonly url: string;
  readonly schema: string;
  readonly drop: () => Promise<void>;
}

export interface TestDatabase {
  readonly url: string;
  readonly drop: () => Promise<void>;
}

/** A fresh schema in the shared test database: quick, and what most specs want. */
export async function createSchema(): Promise<TestSchema> {
  const schema = freshName();
  await run(`create schema ${schema}`);
  const url = new URL(serverUrl());
  url.searchParams.set('options', `-c search_path=${schema}`);
  return { url: url.href, schema, drop: () => run(`drop schema if exists ${schema} cascade`) };
}

/** A fresh database of the shared test server, for specs that watch or disturb the whole database. */
export async function createDatabase(encoding?: 'LATIN1'): Promise<TestDatabase> {
  const database = freshName();
  const encoded = encoding && ` template template0 encoding '${encoding}' lc_collate 'C' lc_ctype 'C'`;
  await run(`create database ${database}${encoded ?? ''}`);
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  return { url: url.href, drop: () => run(`drop database if exists ${database} with (force)`) };
}

function serverUrl(): string {
  const url = process.env['CONTINUUM_TEST_DATABASE_URL'];
  if (!url) {
    throw new Error(
      'No test server: name the file *.pg-spec.ts or *.chaos-spec.ts, or set CONTINUUM_TEST_DATABASE_URL',
    );
  }
  return url;
}

function freshName(): string {
  return `t_${randomUUID().replaceAll('-', '')}`;
}

async function run(sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl() });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
