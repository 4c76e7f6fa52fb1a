// @ts-check
// Writes the public surface, as the built declarations have it, into api/: one report for each entry point. Whatever
// changes it shows in a diff of these files. Needs `npm run build`. Fails when a report is not up to date;
// `npm run api -- --update` brings it up to date.
import { mkdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';

/** Where the reports are kept. */
const FOLDER = 'api';
const update = process.argv.includes('--update');
const root = resolve();
const manifest = JSON.parse(readFileSync('package.json', 'utf8'));

mkdirSync(FOLDER, { recursive: true });
const current = Object.entries(manifest.exports).map(([path, entry]) => {
  const declarations = entry['module-sync']?.types;
  return (
    declarations === undefined || isCurrent(path === '.' ? 'index' : path.slice('./'.length), declarations)
  );
});
process.exitCode = current.includes(false) ? 1 : 0;

/**
 * @param {string} name of the report
 * @param {string} declarations the file that the entry point's `types` names
 * @returns {boolean} whether the kept report says what the declarations say
 */
function isCurrent(name, declarations) {
  const kept = join(FOLDER, `${name}.api.md`);
  const { apiReportChanged, errorCount } = Extractor.invoke(configuration(name, declarations), {
    localBuild: update,
    // What it has to say about its own version of TypeScript helps nobody here.
    messageCallback: (message) => {
      message.handled = message.logLevel !== ExtractorLogLevel.Error;
    },
  });
  if (errorCount > 0) return false;
  if (!apiReportChanged) return true;
  if (update) {
    console.log(`${kept} is written`);
    return true;
  }
  console.error(
    `The public surface differs from ${kept}. If that is meant, run \`npm run api -- --update\`, look at the diff, ` +
      'commit it, and tell users in CHANGELOG.md.',
  );
  return false;
}

/** @param {string} name @param {string} declarations */
function configuration(name, declarations) {
  return ExtractorConfig.prepare({
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: resolve(declarations),
      compiler: { tsconfigFilePath: resolve('tsconfig.build.json'), skipLibCheck: true },
      apiReport: {
        enabled: true,
        reportFileName: name,
        reportFolder: resolve(FOLDER),
        reportTempFolder: resolve('node_modules/.cache/api-report'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      newlineKind: 'lf',
      // Only the report: lint rules of the extractor (release tags, comments) are not ours, and types that no entry
      // point exports are found by scripts/unnamed-types.mjs.
      messages: {
        compilerMessageReporting: { default: { logLevel: ExtractorLogLevel.Error } },
        extractorMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
        tsdocMessageReporting: { default: { logLevel: ExtractorLogLevel.None } },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: resolve('package.json'),
  });
}
