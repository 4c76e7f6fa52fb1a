import type { HistorySize } from './history-limits.js';

/**
 * Errors that workflow code throws and meets, and the faults that end a turn. An error's class says what
 * happens next; its message says the rule, the fact and the remedy, and carries the facts as fields.
 */

// ------------------------------------------------------------------------- thrown by users

/** Thrown in a workflow: the run fails and rolls back. */
export class WorkflowFailure extends Error {
  override readonly name: string = 'WorkflowFailure';
}

/** Thrown in an activity: no other attempt is made. */
export class NonRetryableError extends Error {
  override readonly name: string = 'NonRetryableError';
}

// ------------------------------------------------------------------- meet workflow code

/** An activity has failed for good. `cause` is what its last attempt threw. */
export class ActivityFailure extends Error {
  override readonly name: string = 'ActivityFailure';
  /** What the last attempt threw: an `Error`, unless the activity throws something else. */
  declare readonly cause: unknown;
  constructor(
    message: string,
    readonly activity: string,
    readonly attempts: number,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * A child run has not completed. `cause` is what its code threw; a `CancelledError` where it was cancelled or terminated, a
 * `TimeoutFailure` where its time ran out.
 */
export class ChildWorkflowFailure extends Error {
  override readonly name: string = 'ChildWorkflowFailure';
  /** What failed the child, or a `CancelledError`. */
  declare readonly cause: unknown;
  constructor(
    message: string,
    readonly workflow: string,
    readonly workflowId: string,
    readonly runId: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Whoever was to settle a callback has failed it, or has given what its schema refuses: then `cause` is an `InvalidInputError`. */
export class CallbackFailure extends Error {
  override readonly name: string = 'CallbackFailure';
  /** What it was failed with: an `Error`, unless something else was given. */
  declare readonly cause: unknown;
  constructor(
    message: string,
    /** `null` of one that has only its token. */
    readonly key: string | null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** A child would stand too deep below the run that was started from outside. Nothing was started. */
export class ChildDepthError extends Error {
  override readonly name: string = 'ChildDepthError';
  constructor(
    message: string,
    /** How many runs may stand above one. */
    readonly deepest: number,
  ) {
    super(message);
  }
}

/** The run, or the scope the code is in, was cancelled. */
export class CancelledError extends Error {
  override readonly name: string = 'CancelledError';
  constructor(
    message: string,
    readonly reason: string | null = null,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** `withTimeout` ran out, or an attempt of an activity took longer than its timeout. */
export class TimeoutFailure extends Error {
  override readonly name: string = 'TimeoutFailure';
}

/** A signal handler threw, and so failed its run. */
export class HandlerFailure extends Error {
  override readonly name: string = 'HandlerFailure';
  /** What the handler threw. */
  declare readonly cause: unknown;
  constructor(
    message: string,
    readonly handler: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * A value that the journal cannot hold. Nothing was stored.
 * Its fields make Nest's own exception filter answer 400.
 */
export class UnstorableValueError extends TypeError {
  override readonly name: string = 'UnstorableValueError';
  readonly status = 400;
  readonly statusCode = 400;
  readonly expose = true;
  constructor(
    message: string,
    /** Where it stands in the value: `$.items[2].callback`. */
    readonly path: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * A value is larger than the journal takes. Nothing was stored, and another attempt does not help: store it elsewhere and
 * pass a reference, or raise the option `maxPayloadBytes`.
 * Its fields make Nest's own exception filter answer 413.
 */
export class PayloadTooLargeError extends Error {
  override readonly name: string = 'PayloadTooLargeError';
  readonly status = 413;
  readonly statusCode = 413;
  readonly expose = true;
  constructor(
    readonly bytes: number,
    readonly limit: number,
  ) {
    super(`A payload may have ${limit} bytes, but this one has ${bytes}.`);
  }
}

// ------------------------------------------------- faults: they end the turn, not the run

/** The turn cannot go on. The run keeps its history, is blocked, and its turn is taken again later. */
export abstract class TurnFault extends Error {}

/** The code asks for something else than the history recorded. Retried after the next deploy. */
export class NonDeterminismError extends TurnFault {
  override readonly name: string = 'NonDeterminismError';
  constructor(
    message: string,
    /** What the history recorded at this place; `null`: nothing more. */
    readonly recorded: string | null,
    /** What the code asked for; `null`: nothing. */
    readonly asked: string | null,
    /** The sequence number of the last entry on which both agreed. */
    readonly agreedUpTo: number,
    /** When that was recorded, in ms since the epoch; `null` where nothing was. */
    readonly recordedAt: number | null = null,
    /** The line of the code that asked: `OrderWorkflow.run (order.workflow.ts:12:5)`; `null` where no call asked. */
    readonly site: string | null = null,
  ) {
    super(message);
  }
}

/** The workflow awaited something that is not durable: `fetch`, `setTimeout`, a query builder. */
export class ForeignAwaitError extends TurnFault {
  override readonly name: string = 'ForeignAwaitError';
}

/** Too many durable calls in one event without waiting. */
export class RunawayError extends TurnFault {
  override readonly name: string = 'RunawayError';
}

/**
 * The history of the run is as large as it may become. Nothing is lost, and nothing is undone: what was sent to it waits in
 * its inbox. It goes on once the limit is raised; terminate it, and start it anew with what it had come to, where it must
 * not.
 */
export class HistoryLimitError extends TurnFault {
  override readonly name: string = 'HistoryLimitError';
  constructor(
    /** How many entries its history has, and about how many bytes. */
    readonly size: HistorySize,
    readonly limit: HistorySize,
  ) {
    super(
      `A history has at most ${limit.entries} entries and ${limit.bytes} bytes (the module's "history"); that of this run ` +
        `has ${size.entries} and ${size.bytes}. Raise the limit so that it goes on, and let the workflow continue as new ` +
        'before: if (ctx.info.continueAsNewSuggested) return ctx.continueAsNew(…).',
    );
  }
}

/**
 * The run would continue as new with more signals that nobody has taken than may travel. Nothing is lost: they are in its history,
 * and it has not continued. It goes on once its code takes them before.
 */
export class CarriedSignalsError extends TurnFault {
  override readonly name: string = 'CarriedSignalsError';
  constructor(
    /** How many signals nobody has taken, as `entries`, and how many bytes their names and payloads have. */
    readonly size: HistorySize,
    readonly limit: HistorySize,
    /** The signal that most of them are. */
    readonly signal: string,
  ) {
    super(
      `A run continues as new with fewer than ${limit.entries} signals that nobody has taken, and fewer than ${limit.bytes} bytes ` +
        `of them; this one has ${size.entries} of ${size.bytes} bytes, most of them "${signal}". They are kept, and the run has ` +
        `not continued: deploy code that takes them before, with ctx.waitForSignal('${signal}') or a handler.`,
    );
  }
}

/** A promise nobody awaits was rejected, and the run was about to complete. */
export class FloatingRejectionError extends TurnFault {
  override readonly name: string = 'FloatingRejectionError';
}

/** Something that the workflow's code had left behind threw outside its promise chain. */
export class CallbackError extends TurnFault {
  override readonly name: string = 'CallbackError';
}

/** A second fold of the same history came to another state: the code reads something that is not in it. */
export class ReplayMismatchError extends TurnFault {
  override readonly name: string = 'ReplayMismatchError';
}

/** The run was recorded under rules that this version of the package does not know: deploy the newer one. */
export class UnsupportedSemanticsError extends TurnFault {
  override readonly name: string = 'UnsupportedSemanticsError';
  constructor(
    readonly recorded: number,
    readonly supported: number,
  ) {
    super(
      `This run was recorded under semantics version ${recorded}; this version of nestjs-continuum knows version ` +
        `${supported}. Let a worker with a newer version of the package take it.`,
    );
  }
}

/** The code made a call that no code should make, or, with `mistakes: 'block'`, threw an error of JavaScript itself. */
export class WorkflowMistakeError extends TurnFault {
  override readonly name: string = 'WorkflowMistakeError';
}

/**
 * A run has continued as a workflow whose schema refuses its input. Nothing is lost: it begins once a deploy mends the schema,
 * or brings a version that takes the input.
 */
export class InvalidContinuationError extends TurnFault {
  override readonly name: string = 'InvalidContinuationError';
  constructor(
    readonly workflow: string,
    readonly version: number,
    /** What the schema says. */
    readonly issues: string,
  ) {
    super(
      `The run before has continued with an input that the schema of ${workflow}, version ${version}, refuses: ${issues}. ` +
        'Deploy a schema that takes it.',
    );
  }
}

/** The fold itself failed. Please report it. */
export class FoldError extends TurnFault {
  override readonly name: string = 'FoldError';
}

/** `ctx.run(…)` of a class that is not one activity: its activities are methods, called by `ctx.activities(…)`. */
export class NotInWorkflowError extends Error {
  override readonly name: string = 'NotInWorkflowError';
}

// ------------------------------------------------------------------------- met by who queries

/** The workflow answers no query of that name. */
export class UnknownQueryError extends Error {
  override readonly name: string = 'UnknownQueryError';
  constructor(
    message: string,
    readonly query: string,
    /** The queries it answers. */
    readonly known: readonly string[],
  ) {
    super(message);
  }
}

/**
 * The run has no object to ask yet, because it has not started; or it has not taken up the signals that were acknowledged
 * before the question. Ask again later.
 * Its fields make Nest's own exception filter answer 409.
 */
export class RunNotReadyError extends Error {
  override readonly name: string = 'RunNotReadyError';
  readonly status = 409;
  readonly statusCode = 409;
  readonly expose = true;
}

// ------------------------------------------------------------ why an attempt has no result

/** The process that made the attempt ended, or lost its lease, before it told a result. */
export class AttemptLostError extends Error {
  override readonly name: string = 'AttemptLostError';
}

/** This process lacks an activity that the run needs: it was renamed or removed, or belongs to another process. */
export class UnavailableActivityError extends TurnFault {
  override readonly name: string = 'UnavailableActivityError';
  constructor(readonly activity: string) {
    super(
      `The run needs the activity "${activity}", which this process does not have. Mark it @Activity() and list its class in the providers of a module; where it was renamed, give it its old name: @Activity({ name: '${activity}' }).`,
    );
  }
}
