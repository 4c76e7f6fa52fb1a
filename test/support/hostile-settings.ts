import pg from 'pg';

/** What the driver reads a column as from now on, in this whole process, wherever nobody said anything else. */
export const MISREAD = Object.freeze({ misread: true });

/** As an application may that wants other types for numbers, times and JSON; here, for everything there is. */
export function replaceTypeParsers(): void {
  for (const oid of Object.values(pg.types.builtins)) pg.types.setTypeParser(oid, () => MISREAD);
}

/** Settings that a database, or a role, may have, and that would change what the journal does or reads. */
const SETTINGS: Readonly<Record<string, string>> = {
  datestyle: `'SQL, DMY'`,
  timezone: `'America/St_Johns'`,
  intervalstyle: `'sql_standard'`,
  extra_float_digits: '-15',
  default_transaction_isolation: `'serializable'`,
  synchronous_commit: 'off',
  lock_timeout: '0',
  statement_timeout: `'1h'`,
  idle_in_transaction_session_timeout: `'1h'`,
  enable_seqscan: 'on',
  jit: 'on',
  plan_cache_mode: `'auto'`,
};

/** Sets a database so for every session that begins from now on. */
export async function disturb(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const database = client.escapeIdentifier(new URL(url).pathname.slice(1));
    for (const [name, value] of Object.entries(SETTINGS)) {
      await client.query(`alter database ${database} set ${name} = ${value}`);
    }
  } finally {
    await client.end();
  }
}
