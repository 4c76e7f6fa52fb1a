export * from './observer.js';
export * from './outages.js';
