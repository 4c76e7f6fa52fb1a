import type { Provider } from '@nestjs/common';
import { WorkflowContext } from '../core/index.js';
import { RUN_INPUT } from './continuum.tokens.js';

/**
 * Lets the constructors of workflows name the {@link WorkflowContext}. Each run gets its own; this value only tells
 * Nest that the token exists, and whoever else injects it is refused when the application starts.
 */
export const workflowContextProvider: Provider = { provide: WorkflowContext, useValue: Object.freeze({}) };
/** The same for the input of a run (`@RunInput()`). */
export const runInputProvider: Provider = { provide: RUN_INPUT, useValue: Object.freeze({}) };
