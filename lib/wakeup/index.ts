/** "There may be work": hints inside this process, and between processes. A lost one costs an interval of polling. */
export * from './wakeup.js';
