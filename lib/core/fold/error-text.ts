/** By tag: errors of another realm are errors too (F8). */
export const isError = (value: unknown): value is Error =>
  Object.prototype.toString.call(value) === '[object Error]';

/** What went wrong, in a message about it. */
export const messageOf = (error: unknown): string => (isError(error) ? error.message : String(error));

/** The same with the error's class. */
export const errorText = (error: unknown): string =>
  isError(error) ? `${error.name}: ${error.message}` : String(error);
