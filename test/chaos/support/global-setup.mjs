// @ts-check
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { transformFile } from '@swc/core';
import sharedSetup from '../../support/global-setup.mjs';
import { CACHE, folderOfThisRun } from './compiled.mjs';

/** What a worker process consists of: it runs from source, so that nothing need be built before. */
const SOURCES = ['lib', 'migrations', 'test/chaos/worker'];

/** Compiles the worker process, once for each run of the tests. */
export default async function globalSetup() {
  await sharedSetup();
  removeLeftovers();
  const folder = folderOfThisRun();
  const files = SOURCES.flatMap((source) =>
    readdirSync(source, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.endsWith('.d.ts'))
      .map((file) => join(source, file)),
  );
  await Promise.all(files.map((file) => compile(file, join(folder, file.replace(/\.ts$/, '.js')))));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}\n');
  process.env['CONTINUUM_CHAOS_WORKER'] = resolve(folder, 'test/chaos/worker/main.js');
}

/** @param {string} file @param {string} target */
async function compile(file, target) {
  const { code } = await transformFile(file, { sourceMaps: 'inline', sourceFileName: resolve(file) });
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, code);
}

/** Of runs that were killed. */
function removeLeftovers() {
  mkdirSync(CACHE, { recursive: true });
  for (const name of readdirSync(CACHE)) {
    if (!isAlive(Number(name))) rmSync(join(CACHE, name), { recursive: true, force: true });
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
  }
}
