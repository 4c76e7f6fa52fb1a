// @ts-check
// The layer rule: which folder of lib/ may import which. Prints one line for each breach. Which packages a folder may
// import, and what the core may not use, the linter knows: see the overrides in .oxlintrc.json.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** A folder imports itself and what stands before it. */
export const LAYERS = [
  'core',
  'concurrency',
  'journal',
  'wakeup',
  'observability',
  'engine',
  'dispatch',
  'client',
  'runtime',
  'schedule',
  'nest',
  'dashboard',
  'testing',
];

/** Each adapter stands behind the port: only these layers and the entry points name one. */
const ADAPTERS = ['lib/journal/in-memory', 'lib/journal/postgres'];
const NAMES_ADAPTERS = ['nest', 'testing'];

/**
 * @param {string} file path from the root of the repository, with slashes
 * @param {string} text
 * @returns {string[]} one line for each breach
 */
export function checkFile(file, text) {
  const layer = layerOf(file);
  if (layer !== undefined && !LAYERS.includes(layer)) {
    return [`${file}:1 lib/${layer} is not a layer: ${LAYERS.join(' ← ')}`];
  }
  // Imports and exports with a source, also of types, and what `import()` and `require()` load.
  const relatives = ts
    .preProcessFile(text, true, true)
    .importedFiles.filter(({ fileName }) => fileName.startsWith('.'));
  const breaches = relatives.flatMap(({ fileName, pos }) =>
    importBreaches(file, layer, posix.join(posix.dirname(file), fileName)).map(
      (rule) => `${file}:${lineAt(text, pos)} ${rule}`,
    ),
  );
  // The linter knows `Date.now`, but cannot tell `new Date()` from `new Date(instant)`.
  const now = layer === 'core' ? /^(?! *(?:\*|\/\/|\/\*)).*\bDate\(\)/m.exec(text) : null;
  if (now) breaches.push(`${file}:${lineAt(text, now.index)} core may not use Date(): pass the time in`);
  return breaches;
}

/** @param {string} file @param {string | undefined} layer @param {string} target @returns {string[]} */
function importBreaches(file, layer, target) {
  const breaches = [];
  const adapter = ADAPTERS.find((folder) => isWithin(target, folder));
  if (adapter && layer !== undefined && !NAMES_ADAPTERS.includes(layer) && !isWithin(file, adapter)) {
    breaches.push(
      `only ${NAMES_ADAPTERS.join(', ')} and the entry points may import ${adapter}: use the port in lib/journal`,
    );
  }
  if (layer === undefined) return breaches;
  const to = layerOf(target);
  if (isWithin(target, 'migrations')) {
    if (!NAMES_ADAPTERS.includes(layer) && !isWithin(file, 'lib/journal/postgres')) {
      breaches.push(`${layer} may not import migrations`);
    }
  } else if (!target.startsWith('lib/')) {
    breaches.push(`${layer} may not import ${target}: it is outside lib/`);
  } else if (to === undefined) {
    breaches.push(`${layer} may not import the entry point ${target}: import from the file that declares it`);
  } else if (LAYERS.indexOf(to) > LAYERS.indexOf(layer)) {
    breaches.push(`${layer} may not import ${to}: imports point left in ${LAYERS.join(' ← ')}`);
  }
  return breaches;
}

/** @param {string} path @returns {string | undefined} nothing for entry points and for what is outside lib/ */
function layerOf(path) {
  const [root, folder, ...rest] = path.split('/');
  if (root !== 'lib' || folder === undefined || (rest.length === 0 && /\.[jt]s$/.test(folder)))
    return undefined;
  return folder;
}

/** @param {string} path @param {string} folder */
function isWithin(path, folder) {
  return path === folder || path.startsWith(`${folder}/`);
}

/** @param {string} text @param {number} position */
function lineAt(text, position) {
  return text.slice(0, position).split('\n').length;
}

/** @param {string} root */
function main(root) {
  const breaches = [];
  let files = 0;
  for (const folder of ['lib', 'migrations']) {
    for (const name of readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).toSorted()) {
      if (!name.endsWith('.ts')) continue;
      files += 1;
      const path = join(root, folder, name);
      breaches.push(...checkFile(relative(root, path).replaceAll('\\', '/'), readFileSync(path, 'utf8')));
    }
  }
  for (const breach of breaches) console.error(breach);
  console.log(`${files} files, ${breaches.length} breaches of the layer rule`);
  process.exitCode = breaches.length > 0 ? 1 : 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  main(join(dirname(fileURLToPath(import.meta.url)), '..'));
