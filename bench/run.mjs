// @ts-check
// `npm run bench`: steps per second and latency of 10-step workflows, through Nest and on real Postgres.
// DATABASE_URL names the server; without it the bench starts one of its own. `-- --json` prints one JSON object a line.
import { startPostgres } from '../tools/postgres.mjs';

if (!process.env['DATABASE_URL']) process.env['DATABASE_URL'] = (await startPostgres()).url;
// As users deploy it: without the second fold of every turn.
process.env['NODE_ENV'] = 'production';
const main = new URL('./dist/main.js', import.meta.url);
await import(main.href);
