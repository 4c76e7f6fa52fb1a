import { afterEach } from '@jest/globals';
import { Stage } from './stage.js';
import type { StageOptions } from './stage.js';

/** Opens stages for the tests of one `describe`. They are closed behind each test, the last one first. */
export function openStages(): (options: StageOptions) => Promise<Stage> {
  const stages: Stage[] = [];
  afterEach(async () => {
    for (const stage of stages.splice(0).toReversed()) await stage.close();
  });
  return async (options) => {
    const stage = await Stage.open(options);
    stages.push(stage);
    return stage;
  };
}
