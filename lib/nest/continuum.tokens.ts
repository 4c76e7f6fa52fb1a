/** The journal of an instance. */
export const CONTINUUM_JOURNAL = Symbol.for('nestjs-continuum:journal');
/** The options of an instance, resolved. */
export const CONTINUUM_OPTIONS = Symbol.for('nestjs-continuum:options');
/** What shapes an instance. */
export const CONTINUUM_EXTRAS = Symbol.for('nestjs-continuum:extras');
/** Who hears what an instance does. */
export const CONTINUUM_OBSERVER = Symbol.for('nestjs-continuum:observer');
/** The input of a run, in the constructor of its workflow. */
export const RUN_INPUT = Symbol.for('nestjs-continuum:run-input');
