export { InvalidDefinitionError } from './invalid-definition.error.js';
export { InvalidOptionError } from './invalid-option.error.js';
