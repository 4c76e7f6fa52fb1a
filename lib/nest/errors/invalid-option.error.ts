import { counted, listed } from './invalid-definition.error.js';

/** Options of the module that cannot be, found when the application starts and told at once. */
export class InvalidOptionError extends Error {
  override readonly name: string = 'InvalidOptionError';

  constructor(
    /** One text for each: the option, the rule, what was given and the remedy. */
    readonly problems: readonly string[],
  ) {
    super(
      `${counted(problems.length, 'problem')} in the options of ContinuumModule:\n\n${listed(problems)}\n`,
    );
  }
}
