/** Everything that is wrong with the decorated classes, found when the application starts and told at once. */
export class InvalidDefinitionError extends Error {
  override readonly name: string = 'InvalidDefinitionError';

  constructor(
    /** One text for each: the class, the rule and the remedy. */
    readonly problems: readonly string[],
  ) {
    super(
      `${counted(problems.length, 'problem')} in the workflows and activities of this application:\n\n${listed(problems)}\n`,
    );
  }
}

export const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`;

/** A list whose items may have several lines. */
export const listed = (problems: readonly string[]): string =>
  problems.map((problem) => `  - ${problem.replaceAll('\n', '\n    ')}`).join('\n\n');
