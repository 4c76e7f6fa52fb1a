export * from './observer.js';
export * from './one-line.js';
export * from './outages.js';
