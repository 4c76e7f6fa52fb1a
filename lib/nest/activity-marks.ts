import { Injectable } from '@nestjs/common';
import type { ActivityOptions, Class } from '../core/index.js';
import { MethodMarks } from '../core/index.js';
import { ACTIVITY_MARKS, COMPENSATION_MARKS, NEST_METADATA } from './continuum.constants.js';

/** Whether the decorator stands on a class that is one activity, or on a method. */
export type MarkForm = 'class' | 'method';

export interface ActivityMark {
  readonly form: MarkForm;
  readonly options: ActivityOptions;
}

export interface CompensationMark {
  readonly form: MarkForm;
  readonly undoes: Undone;
  readonly options: ActivityOptions;
}

/** What a compensation undoes: a method of its own class, or a class that is one activity. */
export type Undone =
  | { readonly type: 'method'; readonly method: string }
  | { readonly type: 'class'; readonly activity: Class }
  /** `@Compensate(BookFlight)` was read before `BookFlight` was: two files import each other. */
  | { readonly type: 'not loaded' };

export const activityMarks = new MethodMarks<ActivityMark>(ACTIVITY_MARKS);
export const compensationMarks = new MethodMarks<CompensationMark>(COMPENSATION_MARKS);

/** `Injectable()` without options would wipe out the scope that a decorator below has set. */
export function markInjectable(target: object): void {
  if (!Reflect.hasOwnMetadata(NEST_METADATA.scope, target)) Injectable()(target as never);
}
