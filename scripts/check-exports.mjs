// @ts-check
// Checks the built package as its consumers see it. Needs `npm run build`.
import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { unnamedTypes } from './unnamed-types.mjs';

const require = createRequire(import.meta.url);
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const failures = [];

// What the linters of packages say about the tarball.
const [{ filename }] = JSON.parse(run('npm', 'pack', '--ignore-scripts', '--json', '--silent'));
try {
  for (const [program, ...args] of [
    ['publint', 'run', filename, '--strict'],
    ['attw', filename],
  ]) {
    const { status, stdout, stderr } = spawnSync(`node_modules/.bin/${program}`, args, { encoding: 'utf8' });
    console.log(stdout);
    if (status !== 0) failures.push(`${program} found problems ${stderr}`);
  }
} finally {
  rmSync(filename, { force: true });
}

// Node gives `import` and `require` the same instance, so that a class is one class in a mixed application.
for (const path of Object.keys(manifest.exports)) {
  if (path.endsWith('.json')) continue;
  const name = path.replace('.', manifest.name);
  const imported = await import(name);
  const required = require(name);
  const exported = Object.keys(imported);
  if (exported.length === 0) failures.push(`${name} exports nothing`);
  for (const key of exported) {
    if (imported[key] !== required[key])
      failures.push(`${name}: import and require give two different ${key}`);
  }
  console.log(`${name}: ${exported.length} exports, the same for import and require`);
}

// Whoever writes a function around the package has to name what it takes and gives.
const entryPoints = Object.values(manifest.exports).flatMap((entry) => entry['module-sync']?.types ?? []);
for (const line of unnamedTypes(entryPoints)) {
  failures.push(
    `No entry point exports the type ${line}: export it, or keep it out of the public declarations`,
  );
}

// The CommonJS build is for tools that cannot require ES modules: its own dependencies must be CommonJS.
const needed = new Set();
for (const file of readdirSync('dist/cjs', { recursive: true, encoding: 'utf8' })) {
  if (!file.endsWith('.js') || !statSync(`dist/cjs/${file}`).isFile()) continue;
  for (const [, name] of readFileSync(`dist/cjs/${file}`, 'utf8').matchAll(/require\("([^."][^"]*)"\)/g)) {
    if (name && !name.startsWith('node:')) needed.add(name);
  }
}
for (const name of needed) {
  const [scope = '', second] = name.split('/');
  const owner = scope.startsWith('@') ? `${scope}/${second}` : scope;
  if (owner in manifest.peerDependencies) continue;
  if (!(owner in manifest.dependencies)) {
    failures.push(`dist/cjs requires ${name}, which is neither a dependency nor a peer`);
    continue;
  }
  try {
    run(process.execPath, '--no-experimental-require-module', '-e', `require(${JSON.stringify(name)})`);
  } catch {
    failures.push(
      `dist/cjs requires ${name}, which is an ES module: add it to ESM_ONLY in scripts/build.mjs`,
    );
  }
}

for (const failure of failures) console.error(failure);
process.exitCode = failures.length > 0 ? 1 : 0;

/** @param {string} program @param {string[]} args */
function run(program, ...args) {
  return execFileSync(program, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
}
