/** Values and errors as text, and back: what can be stored, what is refused and why, and how errors are kept. */
export * from './durable-codec.js';
export * from './failure-summary.js';
