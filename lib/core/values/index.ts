export * from './durable-codec.js';
export * from './failure-summary.js';
