import {
  ActivityFailure,
  AttemptLostError,
  CallbackFailure,
  CancelledError,
  ChildDepthError,
  ChildWorkflowFailure,
  HandlerFailure,
  NonRetryableError,
  NotInWorkflowError,
  PayloadTooLargeError,
  TimeoutFailure,
  UnstorableValueError,
  WorkflowFailure,
} from '../errors.js';
import {
  CallbackAlreadyOpenError,
  InvalidInputError,
  WorkflowAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowNotRunningError,
} from '../reaching-errors.js';

/** A class that recorded errors come back as, and the fields without which an error cannot be of it. */
interface ErrorClass {
  readonly constructor: new (...args: never[]) => Error;
  readonly fields: readonly string[];
}

/**
 * By their names. None of them may have private fields: an error of the class is made without its constructor,
 * so that its own properties are exactly the recorded ones.
 */
const CLASSES: ReadonlyMap<string, ErrorClass> = new Map<string, ErrorClass>([
  ['WorkflowFailure', { constructor: WorkflowFailure, fields: [] }],
  ['NonRetryableError', { constructor: NonRetryableError, fields: [] }],
  ['ActivityFailure', { constructor: ActivityFailure, fields: ['activity', 'attempts'] }],
  [
    'ChildWorkflowFailure',
    { constructor: ChildWorkflowFailure, fields: ['workflow', 'workflowId', 'runId'] },
  ],
  ['ChildDepthError', { constructor: ChildDepthError, fields: ['deepest'] }],
  ['CallbackFailure', { constructor: CallbackFailure, fields: ['key'] }],
  ['CallbackAlreadyOpenError', { constructor: CallbackAlreadyOpenError, fields: ['key'] }],
  ['InvalidInputError', { constructor: InvalidInputError, fields: ['subject', 'issues'] }],
  [
    'WorkflowAlreadyStartedError',
    { constructor: WorkflowAlreadyStartedError, fields: ['workflowId', 'runId', 'state'] },
  ],
  ['WorkflowNotFoundError', { constructor: WorkflowNotFoundError, fields: ['workflowId', 'runId'] }],
  ['WorkflowNotRunningError', { constructor: WorkflowNotRunningError, fields: ['workflowId'] }],
  ['CancelledError', { constructor: CancelledError, fields: ['reason'] }],
  ['TimeoutFailure', { constructor: TimeoutFailure, fields: [] }],
  ['HandlerFailure', { constructor: HandlerFailure, fields: ['handler'] }],
  ['UnstorableValueError', { constructor: UnstorableValueError, fields: ['path'] }],
  ['PayloadTooLargeError', { constructor: PayloadTooLargeError, fields: ['bytes', 'limit'] }],
  ['AttemptLostError', { constructor: AttemptLostError, fields: [] }],
  ['NotInWorkflowError', { constructor: NotInWorkflowError, fields: [] }],
  ['TypeError', { constructor: TypeError, fields: [] }],
  ['RangeError', { constructor: RangeError, fields: [] }],
  ['SyntaxError', { constructor: SyntaxError, fields: [] }],
  ['ReferenceError', { constructor: ReferenceError, fields: [] }],
  ['URIError', { constructor: URIError, fields: [] }],
  ['EvalError', { constructor: EvalError, fields: [] }],
  ['AggregateError', { constructor: AggregateError, fields: [] }],
]);

/** An error of the class with this name, or an `Error` where this process knows no such class. */
export function newError(name: string, message: string, facts: object): Error {
  const known = CLASSES.get(name);
  const fits = known !== undefined && known.fields.every((field) => Object.hasOwn(facts, field));
  const error: Error = Reflect.construct(Error, [message], fits ? known.constructor : Error);
  if (error.name !== name) define(error, 'name', name);
  return error;
}

/** An own property that, like `message`, is not listed. */
export function define(error: Error, key: string, value: unknown, enumerable = false): void {
  Object.defineProperty(error, key, { value, enumerable, configurable: true, writable: true });
}
