import type { Scope } from '@nestjs/common';
import type { Class } from '../core/index.js';
import {
  NEST_METADATA,
  SAFE_PARAMETERS,
  WORKFLOW_SAFE_METADATA,
  WORKFLOW_SCOPE_METADATA,
} from './continuum.constants.js';

/** Whether the class, or one it extends, is marked `@WorkflowSafe()`. */
export const isWorkflowSafe = (type: Class): boolean => Reflect.hasMetadata(WORKFLOW_SAFE_METADATA, type);

/** The indexes of the parameters marked `@WorkflowSafe()` in the constructor that this very class declares. */
export const safeParametersOf = (type: object): readonly number[] =>
  (Reflect.getOwnMetadata(WORKFLOW_SAFE_METADATA, type, SAFE_PARAMETERS) as number[] | undefined) ?? [];

/** Whether a property of the class is marked `@WorkflowSafe()`. */
export const isSafeProperty = (type: Class, key: string | symbol): boolean =>
  Reflect.hasMetadata(WORKFLOW_SAFE_METADATA, type.prototype as object, key);

/** The scope that `@Injectable()` below `@Workflow()` asked for. */
export const scopeAskedFor = (type: Class): Scope | undefined =>
  Reflect.getMetadata(WORKFLOW_SCOPE_METADATA, type) as Scope | undefined;

/** What `@UseInterceptors()` was given, on a class or on a method. */
export const interceptorsOf = (target: object): readonly unknown[] =>
  (Reflect.getMetadata(NEST_METADATA.interceptors, target) as unknown[] | undefined) ?? [];

const REQUEST_ENHANCERS = [
  [NEST_METADATA.guards, '@UseGuards()'],
  [NEST_METADATA.filters, '@UseFilters()'],
  [NEST_METADATA.pipes, '@UsePipes()'],
] as const;

/** The decorators on a class or a method that are written for requests. */
export const requestEnhancersOf = (target: object): readonly string[] =>
  REQUEST_ENHANCERS.filter(([key]) => Reflect.hasMetadata(key, target)).map(([, decorator]) => decorator);
