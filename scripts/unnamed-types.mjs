// @ts-check
// Finds types that stand in the public declarations and that a user cannot name: no entry point exports them.
import { resolve } from 'node:path';
import ts from 'typescript';

/** What need not be named: @type {ReadonlyMap<string, string>} */
const ALLOWED = new Map([
  ['PostgresConnection', "TypeORM's own type of it is PostgresDataSourceOptions"],
  ['Actor', 'a row inside InMemoryStore'],
  ['Run', 'a row inside InMemoryStore'],
  ['StoredSession', 'a row inside InMemoryStore'],
  ['StoredUpdate', 'a row inside InMemoryStore'],
  ['Letter', 'a row inside InMemoryStore'],
]);

/**
 * @param {readonly string[]} entryPoints declaration files
 * @returns {string[]} one line for each type: its name, and where it stands
 */
export function unnamedTypes(entryPoints) {
  const program = ts.createProgram([...entryPoints], {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2023,
    types: ['node'],
    skipLibCheck: true,
    noEmit: true,
  });
  const checker = program.getTypeChecker();
  const root = resolve('dist');

  /** @param {ts.Symbol} symbol */
  const meant = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
  /** @param {ts.Node} declaration */
  const isOurs = (declaration) => resolve(declaration.getSourceFile().fileName).startsWith(root);

  /** @type {Map<ts.Symbol, string>} */
  const named = new Map();
  for (const path of entryPoints) {
    const source = program.getSourceFile(path);
    const module = source && checker.getSymbolAtLocation(source);
    if (!module) throw new Error(`${path} is not built.`);
    for (const symbol of checker.getExportsOfModule(module)) named.set(meant(symbol), symbol.name);
  }

  /** @type {Map<string, Set<string>>} */
  const unnamed = new Map();
  /** @param {ts.Node} node @param {string} owner */
  const look = (node, owner) => {
    const reference = referenceIn(node);
    const symbol = reference && checker.getSymbolAtLocation(reference);
    const target = symbol && meant(symbol);
    const declaration = target?.declarations?.[0];
    if (target && declaration && isOurs(declaration) && isExported(declaration) && !named.has(target)) {
      if (!ALLOWED.has(target.name)) {
        unnamed.set(target.name, (unnamed.get(target.name) ?? new Set()).add(owner));
      }
    }
    if (!isPrivate(node)) ts.forEachChild(node, (child) => look(child, owner));
  };
  for (const [symbol, name] of named) {
    for (const declaration of symbol.declarations ?? []) if (isOurs(declaration)) look(declaration, name);
  }
  return [...unnamed].map(([name, owners]) => `${name}, in ${[...owners].join(', ')}`);
}

/** @param {ts.Node} node @returns {ts.Node | undefined} */
function referenceIn(node) {
  if (ts.isTypeReferenceNode(node)) return node.typeName;
  if (ts.isTypeQueryNode(node)) return node.exprName;
  if (ts.isExpressionWithTypeArguments(node)) return node.expression;
  return undefined;
}

/** Helpers that their own file keeps to itself need no name. @param {ts.Declaration} declaration */
function isExported(declaration) {
  return (ts.getCombinedModifierFlags(declaration) & ts.ModifierFlags.Export) !== 0;
}

/** @param {ts.Node} node */
function isPrivate(node) {
  return (
    ts.canHaveModifiers(node) &&
    (ts.getModifiers(node)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword) ?? false)
  );
}
