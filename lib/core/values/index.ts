export * from './durable-codec.js';
