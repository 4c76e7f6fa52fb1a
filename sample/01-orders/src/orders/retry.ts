/**
 * For steps that must be done or undone: what fails is asked again until it works. Only a `NonRetryableError` ends one,
 * because it is an answer: the card was declined, the shelf is empty.
 */
export const untilItWorks = {
  retry: { maxAttempts: Infinity, initialInterval: '100ms', maxInterval: '10s' },
} as const;
