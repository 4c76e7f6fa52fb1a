// @ts-check
// The layer rule: which folder of lib/ may import what. Prints one line for each breach.
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

/** Pure packages: the only ones that core may import. */
const PURE = ['devalue', 'ms', '@standard-schema/spec'];
/** Each adapter stands behind the port: only these layers and the entry points name one. */
const ADAPTERS = ['lib/journal/in-memory', 'lib/journal/postgres'];
const NAMES_ADAPTERS = ['nest', 'testing'];
/** Where these packages may be imported. */
const CONFINED = [
  { packages: /^(typeorm|pg)(\/|$)/, folders: ['lib/journal/postgres', 'migrations'] },
  { packages: /^(@nestjs\/.*|rxjs|reflect-metadata)(\/|$)/, folders: ['lib/nest', 'lib/dashboard'] },
];
/** What would make the core depend on when, where or how often it runs. */
const IMPURE = new Set([
  'setTimeout',
  'setInterval',
  'setImmediate',
  'process',
  'performance',
  'crypto',
  'Date.now',
  'Math.random',
]);

/**
 * @param {string} file path from the root of the repository, with slashes
 * @param {string} text
 * @returns {string[]} one line for each breach
 */
export function checkFile(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true);
  /** @type {string[]} */
  const breaches = [];
  /** @param {ts.Node} node @param {string} rule */
  const report = (node, rule) => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
    breaches.push(`${file}:${line + 1} ${rule}`);
  };
  const layer = layerOf(file);
  if (layer !== undefined && !LAYERS.includes(layer)) {
    return [`${file}:1 lib/${layer} is not a layer: ${LAYERS.join(' ← ')}`];
  }
  const declared = layer === 'core' ? declaredNames(source) : new Set();

  /** @param {ts.Node} node */
  const visit = (node) => {
    const specifier = importedFrom(node);
    if (specifier) for (const rule of importBreaches(file, layer, specifier.text)) report(specifier, rule);
    if (layer === 'core') {
      const name = impureName(node);
      if (name && !declared.has(name.split('.')[0]))
        report(node, `core may not use ${name}: pass it in as an argument`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return breaches;
}

/** @param {string} file @param {string | undefined} layer @param {string} specifier @returns {string[]} */
function importBreaches(file, layer, specifier) {
  if (!specifier.startsWith('.')) return packageBreaches(file, layer, specifier);
  const target = posix.join(posix.dirname(file), specifier);
  const breaches = [];
  const adapter = ADAPTERS.find((folder) => isWithin(target, folder));
  if (adapter && layer !== undefined && !NAMES_ADAPTERS.includes(layer) && !isWithin(file, adapter)) {
    breaches.push(
      `only ${NAMES_ADAPTERS.join(', ')} and the entry points may import ${adapter}: use the port in lib/journal`,
    );
  }
  if (layer === undefined) return breaches;
  const to = layerOf(target);
  if (target === 'migrations' || isWithin(target, 'migrations')) {
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

/** @param {string} file @param {string | undefined} layer @param {string} specifier @returns {string[]} */
function packageBreaches(file, layer, specifier) {
  if (layer === 'core') {
    return PURE.includes(specifier) ? [] : [`core may not import ${specifier}: only ${PURE.join(', ')}`];
  }
  return CONFINED.filter(
    ({ packages, folders }) =>
      packages.test(specifier) && !isEntryPoint(file) && !folders.some((folder) => isWithin(file, folder)),
  ).map(({ folders }) => `${specifier} may be imported in ${folders.join(' and ')} only`);
}

/** @param {string} path @returns {string | undefined} nothing for entry points and for what is outside lib/ */
function layerOf(path) {
  const [root, folder, ...rest] = path.split('/');
  if (root !== 'lib' || folder === undefined || (rest.length === 0 && /\.[jt]s$/.test(folder)))
    return undefined;
  return folder;
}

/** @param {string} file */
function isEntryPoint(file) {
  return file.startsWith('lib/') && layerOf(file) === undefined;
}

/** @param {string} path @param {string} folder */
function isWithin(path, folder) {
  return path === folder || path.startsWith(`${folder}/`);
}

/** @param {ts.Node} node @returns {ts.StringLiteralLike | undefined} */
function importedFrom(node) {
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) return literal(node.moduleSpecifier);
  if (ts.isImportTypeNode(node))
    return ts.isLiteralTypeNode(node.argument) ? literal(node.argument.literal) : undefined;
  if (ts.isExternalModuleReference(node)) return literal(node.expression);
  if (!ts.isCallExpression(node)) return undefined;
  const called = node.expression;
  const loads =
    called.kind === ts.SyntaxKind.ImportKeyword || (ts.isIdentifier(called) && called.text === 'require');
  return loads ? literal(node.arguments[0]) : undefined;
}

/** @param {ts.Node | undefined} node */
function literal(node) {
  return node && ts.isStringLiteralLike(node) ? node : undefined;
}

/** @param {ts.Node} node @returns {string | undefined} */
function impureName(node) {
  if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && ts.isIdentifier(node.expression)) {
    // Even with an argument, `Date()` as a call is the current time.
    const now = ts.isCallExpression(node) || !node.arguments?.length;
    if (node.expression.text === 'Date' && now) return ts.isCallExpression(node) ? 'Date()' : 'new Date()';
  }
  if (ts.isPropertyAccessExpression(node)) {
    const name = node
      .getText()
      .replace(/^globalThis\??\./, '')
      .replaceAll('?.', '.');
    return IMPURE.has(name) ? name : undefined;
  }
  if (!ts.isIdentifier(node) || !IMPURE.has(node.text)) return undefined;
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent)) return parent.expression === node ? node.text : undefined;
  // Names of members and parts of types are not uses.
  const names = ts.isPropertyAssignment(parent)
    ? parent.name === node
    : 'name' in parent && parent.name === node;
  return (names && !ts.isShorthandPropertyAssignment(parent)) || ts.isQualifiedName(parent)
    ? undefined
    : node.text;
}

/** @param {ts.SourceFile} source */
function declaredNames(source) {
  /** @type {Set<string>} */
  const names = new Set();
  /** @param {ts.Node} node */
  const visit = (node) => {
    const declares =
      ts.isVariableDeclaration(node) ||
      ts.isParameter(node) ||
      ts.isBindingElement(node) ||
      ts.isFunctionDeclaration(node) ||
      ts.isImportSpecifier(node);
    if (declares && node.name && ts.isIdentifier(node.name)) names.add(node.name.text);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return names;
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
