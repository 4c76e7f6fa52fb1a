/** Puts one process together: its client, and its worker if it has one. Whoever hosts Continuum starts and stops this. */
export * from './runtime.js';
