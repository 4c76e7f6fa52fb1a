import { JournalRefusedError } from '../errors.js';

const UUID = /^[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}$/;

/** As databases write them: in lower case, with hyphens. */
export const isUuid = (id: string): boolean => UUID.test(id);

/** Throws {@link JournalRefusedError} for an id that is none. */
export function requireUuid(what: string, id: string): string {
  if (isUuid(id)) return id;
  throw new JournalRefusedError(`A ${what} is a UUID; ${JSON.stringify(id.slice(0, 60))} is none.`);
}
