// @ts-check
// Builds dist/esm and dist/cjs. Which consumer gets which is said in the `exports` of package.json.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';

/**
 * Dependencies that exist as ES modules only. Node can `require` them, Jest in CommonJS mode on Node 20 cannot:
 * the CommonJS build carries a converted copy.
 */
const ESM_ONLY = ['devalue'];

rmSync('dist', { recursive: true, force: true });
for (const project of ['tsconfig.build.json', 'tsconfig.cjs.json']) {
  try {
    execFileSync(process.execPath, ['node_modules/ts7/bin/tsc', '-p', project], { stdio: 'inherit' });
  } catch {
    process.exit(1);
  }
}
writeFileSync('dist/cjs/package.json', '{"type":"commonjs"}\n');
for (const name of ESM_ONLY) convert(name);

/** @param {string} name */
function convert(name) {
  const source = join('node_modules', name, 'src');
  const target = join('dist/cjs/vendor', name);
  mkdirSync(target, { recursive: true });
  for (const file of readdirSync(source)) {
    if (!file.endsWith('.js') || file.endsWith('.test.js')) continue;
    const { outputText } = ts.transpileModule(readFileSync(join(source, file), 'utf8'), {
      fileName: file,
      compilerOptions: { allowJs: true, module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 },
    });
    writeFileSync(join(target, file), outputText);
  }
  cpSync(join('node_modules', name, 'LICENSE'), join(target, 'LICENSE'));
  for (const file of readdirSync('dist/cjs', { recursive: true, encoding: 'utf8' })) {
    const path = join('dist/cjs', file);
    if (!path.endsWith('.js') || path.startsWith(target)) continue;
    const text = readFileSync(path, 'utf8');
    const to = relative(dirname(path), join(target, 'index.js'));
    const converted = text.replaceAll(
      `require("${name}")`,
      `require("${to.startsWith('.') ? to : `./${to}`}")`,
    );
    if (converted !== text) writeFileSync(path, converted);
  }
}
