import { Inject, Injectable, Logger } from '@nestjs/common';
import { pause } from '../concurrency/index.js';
import type { InjectionToken } from '@nestjs/common';
import type { ModuleRef } from '@nestjs/core';
import { InMemoryJournal } from '../journal/in-memory/index.js';
import { JournalUnavailableError } from '../journal/index.js';
import type { Journal } from '../journal/index.js';
import { dataSourceToken, isDataSource, PostgresJournal } from '../journal/postgres/index.js';
import type { DataSource, PostgresConnection } from '../journal/postgres/index.js';
import { InvalidOptionError } from './errors/invalid-option.error.js';
import type { ResolvedContinuumOptions } from './continuum.options.js';

/**
 * Makes and opens the journal. A database that cannot be reached may be starting: it is tried again, as
 * `TypeOrmModule` does. Throws one readable error when it still cannot be reached, or is not migrated.
 */
export async function openJournal(
  { journal }: ResolvedContinuumOptions,
  moduleRef: ModuleRef,
): Promise<Journal> {
  if (journal.type === 'memory') {
    const made = new InMemoryJournal();
    await made.open();
    return made;
  }
  const made = await postgresJournal(journal, moduleRef);
  for (let attempt = 1; ; attempt++) {
    try {
      await made.open();
      return made;
    } catch (error) {
      // What is wrong with the schema or the options is so the next time as well.
      if (!(error instanceof JournalUnavailableError) || attempt >= journal.retryAttempts) throw error;
      new Logger('Continuum').error(
        `${error.detail} Trying again in ${journal.retryDelay} ms (${attempt} of ${journal.retryAttempts}).`,
      );
      await pause(journal.retryDelay);
    }
  }
}

type PostgresChoice = Extract<ResolvedContinuumOptions['journal'], { type: 'postgres' }>;

async function postgresJournal(
  { connection, schema, migrations, poolSize }: PostgresChoice,
  moduleRef: ModuleRef,
): Promise<Journal> {
  const source =
    typeof connection === 'string' ? await applicationDataSource(connection, moduleRef) : connection;
  if (isDataSource(source)) return new PostgresJournal({ dataSource: source, schema, migrations, poolSize });
  // TypeORM checks its own options when it connects.
  const options = { ...source, type: 'postgres' } as PostgresConnection;
  return new PostgresJournal({ connection: options, schema, migrations, poolSize });
}

async function applicationDataSource(name: string, moduleRef: ModuleRef): Promise<DataSource> {
  try {
    return await waitFor<DataSource>(dataSourceToken(name), moduleRef);
  } catch (error) {
    throw new InvalidOptionError([
      `connection: '${name}' names a DataSource that this application does not have. Import TypeOrmModule.forRoot(${name === 'default' ? '' : `{ name: '${name}', … }`}), or give connection options. (${(error as Error).message})`,
    ]);
  }
}

/** What is provided under a token. A look-up would give nothing while TypeORM still connects; the injector waits for it. */
async function waitFor<T>(token: InjectionToken, moduleRef: ModuleRef): Promise<T> {
  @Injectable()
  class Waiting {
    constructor(@Inject(token) readonly provider: T) {}
  }
  const { provider } = await moduleRef.create(Waiting);
  return provider;
}
