import { SAFE_PARAMETERS, WORKFLOW_SAFE_METADATA } from '../continuum.constants.js';
import { safeParametersOf } from '../continuum-metadata.accessor.js';

export interface WorkflowSafeDecorator {
  /** On a class. */
  (target: abstract new (...dependencies: never[]) => object): void;
  /** On a parameter of a constructor. */
  (target: object, key: undefined, index: number): void;
  /** On a property. */
  (target: object, key: string | symbol, descriptor?: never): void;
}

/**
 * Lets a singleton into workflows as it is, without a proxy: on its class, or on one constructor parameter or
 * property of a workflow (for values that have no class).
 *
 * ```ts
 * @WorkflowSafe()
 * @Injectable()
 * export class PriceCalculator { … }
 *
 * constructor(private readonly prices: PriceCalculator, @Inject('TAX') @WorkflowSafe() private readonly tax: number) {}
 * ```
 *
 * It is a promise to keep: what is marked only computes. It reads no clock, no database and no configuration that
 * changes, because a workflow calls it again at every replay and must get the same answer.
 */
export function WorkflowSafe(): WorkflowSafeDecorator {
  return (target: object, key?: string | symbol, index?: number): void => {
    if (typeof index === 'number') {
      Reflect.defineMetadata(
        WORKFLOW_SAFE_METADATA,
        [...safeParametersOf(target), index],
        target,
        SAFE_PARAMETERS,
      );
    } else if (key !== undefined) {
      Reflect.defineMetadata(WORKFLOW_SAFE_METADATA, true, target, key);
    } else {
      Reflect.defineMetadata(WORKFLOW_SAFE_METADATA, true, target);
    }
  };
}
