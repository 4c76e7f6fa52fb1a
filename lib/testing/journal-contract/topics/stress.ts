import { stressJournal } from '../stress.js';
import type { Topic } from '../scenario.js';

/** What it is for. */
const MEETS = [
  'applied',
  'lost',
  'accepted',
  'duplicate',
  'started',
  'terminated',
  'freed actors',
  'crashes',
  'rows held for long',
  'children started',
  'letters sent',
  'letters delivered',
  'continued',
  'updates answered',
  'updates refused',
];

export function stressTopic({ test, expect }: Topic): void {
  const seconds = Number(process.env['CONTINUUM_STRESS_SECONDS'] ?? 3);
  const seed = Number(process.env['CONTINUUM_SEED'] ?? Date.now() % 1_000_000);

  test(
    `a randomised stress of ${seconds} s breaks no rule (CONTINUUM_SEED=${seed})`,
    async (s) => {
      const { counts, violations } = await stressJournal(s.harness, { seed, seconds, until: MEETS });
      expect(violations).toEqual([]);
      for (const what of MEETS) expect(counts[what] ?? `never ${what}`).toBeGreaterThan(0);
    },
    seconds * 3_000 + 90_000,
  );
}
