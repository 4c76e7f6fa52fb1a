import type { ContinuumModuleOptions } from 'nestjs-continuum';
import type { TestSchema } from '../../support/database.js';
import { createSchema } from '../../support/database.js';

/** Where the applications of a suite keep their histories. */
export interface Backend {
  readonly name: string;
  /** Options of the module; each call gives a journal with nothing in it. */
  fresh(): Promise<ContinuumModuleOptions>;
  /** Removes what `fresh` made. */
  clear(): Promise<void>;
}

export const memory: Backend = {
  name: 'memory',
  fresh: () => Promise.resolve({ journal: 'memory' }),
  clear: () => Promise.resolve(),
};

/** Each journal in a schema of its own. */
export class PostgresBackend implements Backend {
  readonly name = 'Postgres';
  readonly #schemas: TestSchema[] = [];

  async fresh(): Promise<ContinuumModuleOptions & { readonly schema: string }> {
    const made = await createSchema();
    this.#schemas.push(made);
    // One that is longer than needed delays nothing, and specs run beside others on one machine.
    return { connection: { url: made.url }, schema: made.schema, poolSize: 3 };
  }

  async clear(): Promise<void> {
    for (const { drop } of this.#schemas.splice(0)) await drop();
  }
}
