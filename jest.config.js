// @ts-check
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import vm from 'node:vm';

// Jest loads ES modules only under this flag; a bare `npx jest` starts itself anew with it.
if (!('SourceTextModule' in vm)) {
  const flags = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const { status } = spawnSync(process.execPath, [...flags, ...process.argv.slice(1)], { stdio: 'inherit' });
  process.exit(status ?? 1);
}

/** @type {import('jest').Config} */
const common = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': '@swc/jest' },
  moduleNameMapper: {
    '^nestjs-continuum$': '<rootDir>/lib/index.ts',
    '^nestjs-continuum/testing$': '<rootDir>/lib/testing/index.ts',
    '^nestjs-continuum/migrations$': '<rootDir>/migrations/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/sample/dist/'],
};

/** Projects whose specs need a server: all of them share one, see test/support/global-setup.mjs. */
const withPostgres = {
  ...common,
  globalSetup: '<rootDir>/test/support/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/global-teardown.mjs',
};

/** @type {import('jest').Config} */
export default {
  testTimeout: 30_000,
  // Most of what the specs do is waiting. Jest would leave one core free, which is half of two.
  maxWorkers: Math.max(2, availableParallelism() - 1),
  coverageProvider: 'v8',
  collectCoverageFrom: ['lib/**/*.ts', 'migrations/**/*.ts'],
  reporters: ['default', '<rootDir>/tools/count-reporter.mjs'],
  projects: [
    { ...common, displayName: 'unit', testMatch: ['<rootDir>/test/**/*.spec.ts'] },
    { ...withPostgres, displayName: 'postgres', testMatch: ['<rootDir>/test/**/*.pg-spec.ts'] },
    {
      ...common,
      displayName: 'chaos',
      testMatch: ['<rootDir>/test/**/*.chaos-spec.ts'],
      // The same server, and worker processes that are compiled once.
      globalSetup: '<rootDir>/test/chaos/support/global-setup.mjs',
      globalTeardown: '<rootDir>/test/chaos/support/global-teardown.mjs',
      setupFilesAfterEnv: ['<rootDir>/test/chaos/support/time-limit.ts'],
    },
  ],
};
