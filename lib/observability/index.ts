/** What can be noticed: every event that the engine tells an observer, and how it becomes a line of a log. */
export * from './observer.js';
export * from './one-line.js';
export * from './outages.js';
