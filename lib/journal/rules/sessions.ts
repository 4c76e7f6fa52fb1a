/**
 * A process that is known to be gone is taken for dead when it has missed so many heartbeats as well: it may just have lost
 * the connection by which it is known.
 */
export const MISSED_HEARTBEATS = 2;
