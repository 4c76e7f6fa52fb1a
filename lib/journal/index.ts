/**
 * Where history is kept: the port (`journal.ts`, with its roles in `port/`), the rules that every adapter obeys (`rules/`), and
 * how to wait for a journal that cannot be reached. The adapters are `in-memory/` and `postgres/`; whoever holds runs or sends
 * messages knows the port only.
 */
export * from './errors.js';
export * from './ids.js';
export type * from './journal.js';
export * from './journal-retry.js';
export type * from './port/index.js';
export {
  type LetterName,
  type ChildNews,
  DEATHS_OF_A_SUSPECT,
  firstDeadline,
  NO_DEADLINES,
  runFrom,
  type GrowingDelay,
  letterName,
  delayOf,
  isPageSize,
  factsOfMessage,
  factsOfSettlement,
  verbOf,
  readLetterName,
} from './rules/index.js';
