import type { Attributes } from '../attributes.js';
import type {
  ActivityCallOptions,
  ActivityDefinition,
  RunBinding,
  WorkflowInstance,
} from '../definitions.js';
import { HandlerFailure, RunNotReadyError, UnknownQueryError } from '../errors.js';
import type { UpdateVerdict } from './updates.js';
import { acceptedUpdate, verdictOn } from './updates.js';
import type {
  CancelRequested,
  CarriedSignal,
  Encoded,
  DeadlinePassed,
  RunStarted,
  SignalAccepted,
  SignalReceived,
  SignalRefused,
  UpdateAccepted,
} from '../history.js';
import { scheduleActivity, startedShown } from './calls.js';
import { messageOf } from '../thrown.js';
import type { Execution } from './execution.js';
import { FoldContext } from './fold-context.js';
import type { RunIdentity } from './run-identity.js';
import { isCancellation } from './scope.js';
import { Shown } from './shown.js';

/**
 * The object of one run, and what events do with it. It is made by the first event, whichever that is (F5) but for a
 * cancellation, and again at every replay.
 */
export class WorkflowObject implements RunBinding {
  readonly context: FoldContext;
  readonly #run: Execution;
  #instance: WorkflowInstance | null = null;
  #made = false;
  /** It was cancelled before anything else came: none of its code is called (F15). */
  #neverBegins = false;

  constructor(run: Execution, identity: RunIdentity) {
    this.#run = run;
    this.context = new FoldContext(run, identity);
  }

  /** `null` before the first event, and when its constructor failed. */
  get instance(): WorkflowInstance | null {
    return this.#instance;
  }

  schedule(
    activity: ActivityDefinition,
    args: readonly unknown[],
    options: ActivityCallOptions | null = null,
  ): Promise<unknown> {
    return scheduleActivity(this.#run, activity, args, options);
  }

  start(event: RunStarted): void {
    this.#run.started = event;
    startShown(this.#run, event);
    if (this.#neverBegins) return this.#run.failWith(this.#run.root.error());
    const instance = this.#make();
    if (instance === null) return;
    if (event.signals) this.#carry(event.signals);
    const input = this.#run.codec.decode(event.input);
    this.#run.call(
      'run',
      () => instance.run(this.context, input),
      (result) => this.#run.complete(result),
      (error) => this.#run.failWith(error),
    );
  }

  /** To its handler, or into its buffer (F10). */
  signal(event: SignalReceived): void {
    if (!this.#neverBegins) this.#make();
    if (this.#neverBegins || !this.#run.definition.signals.has(event.name)) this.keep(event);
    else this.#handle(event.name, event.payload);
  }

  /** Into its buffer, also where there is a handler: that of the run that this one continues as takes it (F17). */
  keep({ name, payload, checked }: SignalReceived): void {
    const signal = this.#run.ledger.eventSeq;
    this.#run.signals.of(name).signals.push({ payload, signal, check: checked ? 'passed' : 'none' });
  }

  /** What the run before had received and nobody had taken: into its buffer, or to a handler that its successor has. */
  #carry(signals: readonly CarriedSignal[]): void {
    for (const [i, signal] of signals.entries()) {
      if (this.#run.definition.signals.has(signal.name))
        this.#run.agenda.push(() => this.#handle(signal.name, signal.payload));
      else this.#run.signals.carry(signal, i + 1);
    }
  }

  #handle(name: string, encoded: Encoded): void {
    const instance = this.#make();
    if (instance === null) return;
    const payload = this.#run.codec.decode(encoded);
    this.#run.handlers++;
    this.#run.call(
      `The handler of signal ${name}`,
      () => callMethod(instance, name, [payload]),
      () => {
        this.#run.handlers--;
      },
      (error) => {
        this.#run.handlers--;
        this.#handlerFailed(name, error);
      },
    );
  }

  /** Calls the handler of an update; what it comes to is the answer (F19). */
  update(event: UpdateAccepted): void {
    const instance = this.#neverBegins ? null : this.#make();
    if (instance !== null)
      acceptedUpdate(this.#run, event, (payload) => callMethod(instance, event.name, [payload]));
  }

  /** Whether an update can be accepted, by the state of the run just now: between windows, read only (F21). */
  validate(name: string, payload: Encoded): UpdateVerdict {
    const instance = this.#neverBegins ? null : this.#instance;
    return verdictOn(this.#run, instance !== null, name, (validator) =>
      // Not null: it is asked for an object that is there.
      callMethod(instance!, validator, [this.#run.codec.decode(payload)]),
    );
  }

  /** What a schema says of a signal that is waited for (F34). The waits are looked at again when this event is over. */
  checked(event: SignalAccepted | SignalRefused): void {
    const buffer = this.#run.signals.of(event.name);
    if (event.type === 'signal_accepted') buffer.accept(event.payload);
    else if (event.signal !== null) buffer.take();
  }

  /**
   * F15: cancels the run's own scope, and with it everything that no nonCancellable scope protects. As the first event of
   * all it ends a run that has not begun: signals are recorded for the count of unread ones, and the start decides.
   */
  cancel({ reason }: CancelRequested): void {
    if (!this.#made) this.#neverBegins = true;
    this.#run.cancelRequested = true;
    const message = reason === null ? 'The run was cancelled.' : `The run was cancelled: ${reason}`;
    this.#run.cancel([this.#run.root], message, reason);
  }

  /** As {@link cancel}, because its time is over. */
  timeOut({ deadlineAt, whose }: DeadlinePassed): void {
    this.#run.cancelRequested = true;
    const limit = whose === 'run' ? 'runTimeout' : 'executionTimeout';
    const message = `The run timed out: its ${limit} ended at ${new Date(deadlineAt).toISOString()}.`;
    this.#run.cancel([this.#run.root], message, 'timed out');
  }

  /** F21: between windows, at once, read only. */
  query(name: string, args: readonly unknown[]): unknown {
    const { definition } = this.#run;
    if (!definition.queries.has(name)) {
      const known = [...definition.queries];
      const there = known.length === 0 ? 'It answers none.' : `It answers ${known.join(', ')}.`;
      throw new UnknownQueryError(
        `The workflow ${definition.name} answers no query "${name}". ${there} Mark a method with @OnQuery().`,
        name,
        known,
      );
    }
    const instance = this.#instance;
    if (instance === null) {
      throw new RunNotReadyError(
        `The workflow cannot answer "${name}" yet: it has not begun. Ask again later.`,
      );
    }
    return this.#run.read('query', () => callMethod(instance, name, args));
  }

  #make(): WorkflowInstance | null {
    if (this.#made) return this.#instance;
    this.#made = true;
    try {
      this.#instance = this.#run.construct(() => this.#run.definition.construct(this));
    } catch (error) {
      // F19: a constructor that fails fails the run.
      this.#run.failWith(error);
    }
    return this.#instance;
  }

  /** F19: the run fails. But a cancellation of the run that reaches a handler is not the handler's failure. */
  #handlerFailed(name: string, cause: unknown): void {
    if (this.#run.cancelRequested && isCancellation(cause)) return;
    const message = `The handler of signal ${name} failed: ${messageOf(cause)}`;
    this.#run.failWith(new HandlerFailure(message, name, { cause }));
  }
}

function startShown(run: Execution, { attributes, continuedFrom }: RunStarted): void {
  // The cast: they were checked when they were recorded.
  if (attributes !== undefined) (run.shown ??= new Shown()).start(run.codec.decode(attributes) as Attributes);
  else run.shown?.start({});
  if (continuedFrom !== undefined) (run.shown ??= startedShown(run)).takeOverDetails();
}

function callMethod(instance: WorkflowInstance, name: string, args: readonly unknown[]): unknown {
  // Handlers are methods of the object that the definition lists by name.
  const method = (instance as unknown as Record<string, (...args: readonly unknown[]) => unknown>)[name];
  return method!.apply(instance, args as unknown[]);
}
