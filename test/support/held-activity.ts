import type { ActivityCallOptionsInput } from '../../lib/core/index.js';
import type { ActivityHandler } from '../../lib/engine/index.js';
import { gate } from './gate.js';
import { activity } from './stage.js';

/** An activity whose attempts are under way until the test lets go of them. */
export interface HeldActivity {
  readonly handler: ActivityHandler;
  /** The first attempt has begun. */
  readonly begun: Promise<void>;
  /** How many attempts have begun. */
  readonly attempts: number;
  letGo(): void;
}

/** @param result what it returns once it is let go of */
export function heldActivity(
  name: string,
  result: string,
  options: ActivityCallOptionsInput = {},
): HeldActivity {
  const begun = gate();
  const go = gate();
  let attempts = 0;
  const handler = activity(
    name,
    async () => {
      attempts++;
      begun.open();
      await go.opened;
      return result;
    },
    options,
  );
  return {
    handler,
    begun: begun.opened,
    get attempts() {
      return attempts;
    },
    letGo: () => go.open(),
  };
}
