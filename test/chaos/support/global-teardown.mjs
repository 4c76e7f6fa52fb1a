// @ts-check
import { rmSync } from 'node:fs';
import sharedTeardown from '../../support/global-teardown.mjs';
import { folderOfThisRun } from './compiled.mjs';

export default async function globalTeardown() {
  await sharedTeardown();
  rmSync(folderOfThisRun(), { recursive: true, force: true });
}
