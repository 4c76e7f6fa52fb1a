import { Inject } from '@nestjs/common';
import { RUN_INPUT } from '../continuum.tokens.js';

/**
 * Injects the input of the run into its object, for handlers that may be called before `run` is: a field that `run` sets
 * would overwrite what they did.
 *
 * ```ts
 * constructor(@RunInput() private readonly order: Order, private readonly stock: StockActivities) {}
 * ```
 */
export const RunInput = (): PropertyDecorator & ParameterDecorator => Inject(RUN_INPUT);
