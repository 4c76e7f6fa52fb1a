/** What is wrong with the application itself, told while it starts. */
export { InvalidDefinitionError } from './invalid-definition.error.js';
export { InvalidOptionError } from './invalid-option.error.js';
