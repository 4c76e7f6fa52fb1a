/** Handles a rejection, so that Node does not report it: a durable call may be awaited later, or never (F6). */
export const ignore = (): void => undefined;
