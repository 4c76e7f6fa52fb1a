// @ts-check
// Packs the package and installs it as users do: into a Nest 12 application of ES modules, whose compiler checks our
// declarations too, and into a Nest 11 application in CommonJS, whose Jest is as `nest new` leaves it. Both run a
// workflow on Postgres. Needs the registry, and leaves nothing behind.
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres } from '../tools/postgres.mjs';

/** Of each step, in ms. */
const TIME_LIMIT = 180_000;
const TEMPLATES = 'test/package';
const NPM_FLAGS = ['--no-audit', '--no-fund', '--no-package-lock', '--prefer-offline', '--loglevel=error'];
const EXPECTED = {
  approved: {
    before: 'waiting',
    result: 'reservation of pen, approved by ann',
    last: 'run_completed',
  },
  failed: { before: 'waiting', result: 'WorkflowFailedError: rollback complete', last: 'run_failed' },
  moves: ['reserve pen', 'reserve pen', 'release pen: reservation of pen'],
  migrations: true,
  testing: true,
  typeorm: true,
};

/** @type {{ name: string, jest: boolean }[]} */
const APPLICATIONS = [
  { name: 'nest-12-esm', jest: false },
  { name: 'nest-11-cjs', jest: true },
];

const folder = mkdtempSync(join(tmpdir(), 'continuum-package-'));
/** @type {string[]} */
const failures = [];
const external = process.env['DATABASE_URL'];
const server = external === undefined ? await startPostgres() : undefined;
try {
  const tarball = await timed('pack', async () => {
    // `npm pack` builds first, and that prints.
    const said = await run(
      'npm',
      ['pack', '--json', '--silent', '--pack-destination', folder],
      process.cwd(),
    );
    const { filename } = JSON.parse(said.slice(said.indexOf('[')))[0];
    return join(folder, filename);
  });
  const url = external ?? server?.url ?? '';
  await Promise.all(APPLICATIONS.map((application) => testIn(application, tarball, url)));
} finally {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
}

for (const failure of failures) console.error(failure);
const checks = APPLICATIONS.length + APPLICATIONS.filter(({ jest }) => jest).length;
console.log(`${checks - failures.length} of ${checks} checks passed`);
process.exitCode = failures.length > 0 ? 1 : 0;

/** @param {{ name: string, jest: boolean }} application @param {string} tarball @param {string} url */
async function testIn({ name, jest }, tarball, url) {
  const home = join(folder, name);
  const sources = join(home, 'src');
  cpSync(join(TEMPLATES, name), home, { recursive: true });
  mkdirSync(sources);
  cpSync(join(TEMPLATES, 'main.ts'), join(sources, 'main.ts'));
  if (jest) cpSync(join(TEMPLATES, 'jest-spec.ts'), join(sources, 'workflow.spec.ts'));
  await noting(name, async () => {
    await timed(`${name}: npm install`, () => run('npm', ['install', ...NPM_FLAGS, tarball], home));
    await timed(`${name}: tsc`, () => node(home, 'typescript/bin/tsc', '-p', '.'));
    const schema = name.replaceAll('-', '_');
    const said = await timed(`${name}: start, signal, result`, () =>
      run(process.execPath, ['dist/main.js'], home, { DATABASE_URL: url, SCHEMA: schema }),
    );
    if (said.trim() !== JSON.stringify(EXPECTED)) {
      throw new Error(`It said\n  ${said.trim()}\ninstead of\n  ${JSON.stringify(EXPECTED)}`);
    }
  });
  if (jest) await noting(`${name}, Jest`, () => timed(`${name}: jest`, () => node(home, 'jest/bin/jest.js')));
}

/** A failure is told at the end: the other application goes on. @param {string} what @param {() => Promise<unknown>} check */
async function noting(what, check) {
  try {
    await check();
  } catch (error) {
    failures.push(`${what}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** @template T @param {string} what @param {() => Promise<T>} work @returns {Promise<T>} */
async function timed(what, work) {
  const began = performance.now();
  const result = await work();
  console.log(`${((performance.now() - began) / 1000).toFixed(1).padStart(5)} s  ${what}`);
  return result;
}

/** @param {string} home @param {string} program in its node_modules @param {string[]} args */
function node(home, program, ...args) {
  return run(process.execPath, [join(home, 'node_modules', program), ...args], home);
}

/**
 * @param {string} program
 * @param {string[]} args
 * @param {string} cwd
 * @param {Record<string, string>} [env]
 * @returns {Promise<string>} what it wrote
 */
function run(program, args, cwd, env = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, NODE_OPTIONS: '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIME_LIMIT,
      killSignal: 'SIGKILL',
    });
    let written = '';
    let complaints = '';
    child.stdout.on('data', (chunk) => (written += String(chunk)));
    child.stderr.on('data', (chunk) => (complaints += String(chunk)));
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(written);
      else
        reject(
          new Error(`${program} ${args.join(' ')} ended with ${code ?? signal}\n${written}\n${complaints}`),
        );
    });
  });
}
