// @ts-check
// `npm start`: one of the samples on a real Postgres from npm. Its data stays in .continuum/postgres, so a sample
// that is killed goes on where it was at the next start. DATABASE_URL names another server.
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { startPostgres } from '../tools/postgres.mjs';

const sample = process.argv[2] ?? '01-orders';
const main = new URL(`./dist/${sample}/src/main.js`, import.meta.url);
if (!existsSync(main)) throw new Error(`There is no sample ${sample}; samples are the folders of sample/`);

if (!process.env['DATABASE_URL']) {
  const keep = fileURLToPath(new URL('../.continuum/postgres', import.meta.url));
  const server = await startPostgres({ keep });
  process.env['DATABASE_URL'] = server.url;
  console.log(`${server.version}, data in .continuum/postgres`);
}
await import(main.href);
