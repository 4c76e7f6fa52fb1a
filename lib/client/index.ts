export * from './errors.js';
export * from './history-line.js';
export * from './message-sender.js';
export * from './result-waiter.js';
export * from './workflow-client.js';
export * from './workflow-handle.js';
