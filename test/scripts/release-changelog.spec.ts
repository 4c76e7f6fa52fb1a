import { describe, expect, it } from '@jest/globals';
import { releasedChangelog } from '../../scripts/release-changelog.mjs';

const before = `# Changelog

## [Unreleased]

### Added

- A new thing.

## [0.1.0] - 2026-01-01

- The first thing.
`;

describe('the changelog of a release', () => {
  it('gives the version what was unreleased, and begins anew', () => {
    expect(releasedChangelog(before, '0.2.0', '2026-02-01')).toBe(`# Changelog

## [Unreleased]

## [0.2.0] - 2026-02-01

### Added

- A new thing.

## [0.1.0] - 2026-01-01

- The first thing.
`);
  });

  it('does so for the first release too', () => {
    const [first] = before.split('\n## [0.1.0]');
    expect(releasedChangelog(first!, '0.1.0', '2026-01-01')).toContain(
      '## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n\n### Added\n\n- A new thing.\n',
    );
  });

  it('refuses a release without a change, twice the same, and a changelog without the heading', () => {
    const after = releasedChangelog(before, '0.2.0', '2026-02-01');
    expect(() => releasedChangelog(after, '0.3.0', '2026-02-02')).toThrow(/lists no change/);
    expect(() => releasedChangelog(before, '0.1.0', '2026-02-02')).toThrow(/has 0\.1\.0 already/);
    expect(() => releasedChangelog('# Changelog\n', '0.1.0', '2026-02-02')).toThrow(/has no line/);
  });
});
