import type { Transaction } from '../journal/index.js';

/** The caller's own transaction, as the journal takes it. */
export const transactionOf = (manager: object, onCommit: () => void): Transaction => ({ manager, onCommit });
