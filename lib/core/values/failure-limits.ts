/** How much of a failure is kept: enough to understand it, less than any payload may be. All lengths in characters. */
export const LONGEST_NAME = 256;
export const LONGEST_MESSAGE = 16 * 1024;
export const LONGEST_STACK = 4 * 1024;
/** All own properties of one error together, as text. */
export const LONGEST_FACTS = 64 * 1024;
/** What was thrown and is no error, as text. */
export const LONGEST_THROWN = 64 * 1024;
/** Properties and thrown values may be nested this deep. */
export const DEEPEST_FACT = 100;
/** A failure, its cause, the cause of that … */
export const MOST_NESTED = 8;
/** Of an `AggregateError`. */
export const MOST_ERRORS = 50;
/** When so much is written, errors that follow in the same failure are left out. */
export const LONGEST_FAILURE = 256 * 1024;

const CUT = '… (cut)';

/** The text, or its beginning. Cutting again changes nothing. */
export function limit(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const kept = text.slice(0, longest - CUT.length);
  // Not in the middle of a pair of surrogates.
  return (/[\ud800-\udbff]$/.test(kept) ? kept.slice(0, -1) : kept) + CUT;
}

export const FRAMES = /\n {4}at /;

/** A stack with frames. It begins with the message, which must not take the place of the frames. */
export function limitStack(stack: string): string {
  if (stack.length <= LONGEST_STACK) return stack;
  const frames = stack.search(FRAMES);
  const head = limit(stack.slice(0, frames), LONGEST_STACK / 4);
  return head + limit(stack.slice(frames), LONGEST_STACK - head.length);
}
