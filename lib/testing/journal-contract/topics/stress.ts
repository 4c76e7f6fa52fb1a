import { stressJournal } from '../stress.js';
import type { Topic } from '../scenario.js';

export function stressTopic({ test, expect }: Topic): void {
  const seconds = Number(process.env['CONTINUUM_STRESS_SECONDS'] ?? 3);
  const seed = Number(process.env['CONTINUUM_SEED'] ?? Date.now() % 1_000_000);

  test(
    `a randomised stress of ${seconds} s breaks no rule (CONTINUUM_SEED=${seed})`,
    async (s) => {
      const { counts, violations } = await stressJournal(s.harness, { seed, seconds });
      expect(violations).toEqual([]);
      // It has met what it is for.
      for (const what of [
        'applied',
        'lost',
        'accepted',
        'duplicate',
        'started',
        'terminated',
        'freed actors',
        'crashes',
        'rows held for long',
      ]) {
        expect(counts[what] ?? `never ${what}`).toBeGreaterThan(0);
      }
    },
    seconds * 3_000 + 60_000,
  );
}
