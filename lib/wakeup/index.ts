export * from './wakeup.js';
