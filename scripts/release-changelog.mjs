// @ts-check
// Part of `npm run release`: gives what CHANGELOG.md lists under "Unreleased" the version that npm has just set.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const UNRELEASED = '## [Unreleased]\n';

/**
 * @param {string} changelog
 * @param {string} version
 * @param {string} date as 2026-01-31
 * @returns {string} the changelog after the release
 */
export function releasedChangelog(changelog, version, date) {
  const heading = changelog.indexOf(UNRELEASED);
  if (heading < 0) throw new Error(`CHANGELOG.md has no line "${UNRELEASED.trim()}".`);
  const start = heading + UNRELEASED.length;
  const next = changelog.indexOf('\n## ', start);
  const changes = changelog.slice(start, next < 0 ? undefined : next);
  if (!/^- /m.test(changes)) throw new Error('CHANGELOG.md lists no change under "Unreleased".');
  if (changelog.includes(`\n## [${version}]`)) throw new Error(`CHANGELOG.md has ${version} already.`);
  return `${changelog.slice(0, start)}\n## [${version}] - ${date}\n${changelog.slice(start)}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
  const today = new Date().toISOString().slice(0, '2026-01-31'.length);
  writeFileSync('CHANGELOG.md', releasedChangelog(readFileSync('CHANGELOG.md', 'utf8'), version, today));
}
