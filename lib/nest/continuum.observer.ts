import { Logger } from '@nestjs/common';
import { errorTextWithCauses, messageOf, stackOf, textOf } from '../core/index.js';
import { JournalUnavailableError } from '../journal/index.js';
import { indentedLines, oneLine } from '../observability/index.js';
import type {
  EngineEvent,
  ForgottenCall,
  InstanceFacts,
  Observer,
  RunFacts,
} from '../observability/index.js';

/** So many blocked runs are remembered, so as not to repeat why. */
const REMEMBERED = 1_000;

/** Writes to Nest's log what an operator should see. */
export class LoggingObserver implements Observer {
  readonly #logger = new LineLogger();
  readonly #workflows = new Map<string, Logger>();
  /** Said once until it is over, whoever tells. */
  #unavailable = false;
  /** Why the last turn of a run failed, by run id: told in full once, though the turn is tried again and again. */
  readonly #told = new Map<string, string>();

  notice(event: EngineEvent): void {
    switch (event.type) {
      case 'worker started':
        this.#mapped(event);
        this.#logger.log(`Worker started, ${placeOf(event)}`);
        break;
      case 'client started':
        this.#mapped(event);
        this.#logger.log(`Client started without a worker, ${placeOf(event)}`);
        break;
      case 'worker drained':
        this.#drained(event);
        break;
      case 'worker registered':
        this.#logger.log(`Worker ${event.workerId} is at work.`);
        break;
      case 'worker lost':
        this.#logger.warn(
          `Worker ${event.workerId} lost its session (${event.reason}): its runs are taken over, and it begins a new one.`,
        );
        break;
      case 'workers rescued':
        if (event.freedActors > 0)
          this.#logger.warn(
            `Took over ${counted(event.freedActors, 'run')} of ${counted(event.deadWorkers.length, 'dead worker')}.`,
          );
        break;
      case 'run blocked':
        this.#logger.error(
          `${nameOf(event.run)} is blocked, for ten minutes or longer, or until a worker of another build comes. ${event.reason}`,
        );
        break;
      case 'unheld leases given back':
        this.#logger.warn(
          `Gave back ${counted(event.count, 'run')} that this worker had been given without its knowledge.`,
        );
        break;
      case 'run claimed':
        // One death is no pattern: what ran beside it has it as well, and the rescue has told of it.
        if (event.deaths > 1)
          this.#logger.warn(
            `${nameOf(event.run)} is taken up again: the last ${event.deaths} workers that held it died, and it may be why. describe() names them under "deaths".`,
          );
        break;
      case 'turn failed':
        this.#turnFailed(event);
        break;
      case 'lease lost':
        this.#logger.warn(`${nameOf(event.run)} was taken over by another worker.`);
        break;
      case 'activity attempt failed':
        this.#logger.warn(
          `Attempt ${event.attempt} of ${event.activity} for ${nameOf(event.run)} failed${event.retryIn === null ? ' for good' : `; the next one follows in ${event.retryIn} ms`}: ${reasonOf(event.error)}`,
        );
        break;
      case 'signal refused':
        this.#logger.warn(
          `${nameOf(event.run)} refused a signal "${event.signal}", whose payload does not fit its schema: ${event.issues}`,
        );
        break;
      case 'calls not awaited':
        this.#logger.warn(
          `${nameOf(event.run)} completed without awaiting ${event.calls.map(forgotten).join('; ')}. Await each, or return its promise.`,
        );
        break;
      case 'rejection floats':
        this.#logger.warn(
          `A promise that ${nameOf(event.run)} does not await was rejected: ${reasonOf(event.error)}. Await it, or catch what it rejects with.`,
        );
        break;
      case 'workflow not served here':
        this.#logger.warn(
          `This process started "${event.workflow}" version ${event.version} but does not have it among its providers: another worker must run it.`,
        );
        break;
      case 'workflow not served':
        this.#logger.warn(
          `Runs of "${event.workflow}" version ${event.version} are open, and no live worker has it: they wait until one comes. Start a worker with its class among the providers, or list them by where: { served: false } and end them.`,
        );
        break;
      case 'event loop blocked':
        this.#logger.error(
          event.run
            ? `${nameOf(event.run)} ran code for more than ${event.timeout} ms without an await: nothing else could be done meanwhile. Compute in an activity, or in a worker thread.`
            : `The event loop did not turn for more than ${event.timeout} ms, and it was no workflow: an activity or the application kept it busy. Compute in a worker thread.`,
        );
        break;
      case 'run continued':
        this.#told.delete(event.run.runId);
        break;
      case 'run closed':
        this.#told.delete(event.run.runId);
        if (event.rollback === 'incomplete')
          this.#logger.error(
            `${nameOf(event.run)} ${ENDED[event.state]}, and not all that it had done could be undone: its rollback is incomplete. ${reasonOf(event.error)}`,
          );
        else if (event.state === 'failed' || event.state === 'timed_out')
          this.#logger.warn(`${nameOf(event.run)} ${ENDED[event.state]}: ${reasonOf(event.error)}`);
        break;
      case 'journal unavailable':
        if (!this.#unavailable)
          this.#logger.error(`The journal cannot be reached (${event.during}): ${detailOf(event.error)}`);
        this.#unavailable = true;
        break;
      case 'journal available':
        this.#available();
        break;
      case 'turn committed':
        this.#told.delete(event.run.runId);
        break;
      case 'workflow log':
      case 'activity log':
        this.#of(event.run.workflow)[event.level](...lineOf(event));
        break;
      case 'run released':
      case 'turn refused':
      case 'activity attempt started':
        break;
    }
  }

  /** As Nest tells of routes. */
  #mapped({ workflows, activities }: InstanceFacts): void {
    for (const { name, aliases, version, signals, queries } of workflows) {
      const handlers = [
        listed('aliases', aliases ?? []),
        listed('signals', signals),
        listed('queries', queries),
      ].filter((list) => list !== '');
      this.#logger.log([`Mapped {${name}, version ${version}} workflow`, ...handlers].join(', '));
    }
    if (activities.length > 0) this.#logger.log(`Mapped {${activities.join(', ')}} activities`);
  }

  #drained({
    workerId,
    took,
    givenBack,
    ended,
    left,
  }: Extract<EngineEvent, { type: 'worker drained' }>): void {
    const line = `Worker ${workerId} has drained in ${took} ms: ${counted(givenBack, 'run')} given back, ${ended} ended`;
    if (left === 0) this.#logger.log(`${line}.`);
    else
      this.#logger.warn(
        `${line}, ${left} not given back in time; others take over when its session is over.`,
      );
  }

  #available(): void {
    if (this.#unavailable) this.#logger.log('The journal can be reached again.');
    this.#unavailable = false;
  }

  #turnFailed({ run, error, retryIn }: Extract<EngineEvent, { type: 'turn failed' }>): void {
    const reason = reasonOf(error);
    if (this.#told.get(run.runId) === reason) {
      this.#logger.warn(
        `${nameOf(run)} is still blocked, for the same reason, and is tried again in ${retryIn} ms.`,
      );
      return;
    }
    const [oldest] = this.#told.keys();
    if (oldest !== undefined && this.#told.size >= REMEMBERED) this.#told.delete(oldest);
    this.#told.set(run.runId, reason);
    this.#logger.error(
      `${nameOf(run)} is blocked, and is tried again in ${retryIn} ms. ${reason}`,
      framesOf(error),
    );
  }

  #of(workflow: string): Logger {
    let logger = this.#workflows.get(workflow);
    if (!logger) this.#workflows.set(workflow, (logger = new Logger(oneLine(workflow))));
    return logger;
  }
}

function lineOf({
  message,
  facts,
  run,
}: Extract<EngineEvent, { type: 'workflow log' | 'activity log' }>): [string, ...object[]] {
  // What the code says is its own, as with any logger of Nest's.
  const text = `[${oneLine(run.workflowId)}] ${textOf(message)}`;
  return facts === null ? [text] : [text, facts];
}
const nameOf = (run: RunFacts): string => `Workflow ${run.workflow} "${run.workflowId}" (run ${run.runId})`;
function forgotten(call: ForgottenCall): string {
  switch (call.outcome) {
    case 'failed':
      return `${call.call}, which failed: ${reasonOf(call.error).replace(/\.$/, '')}`;
    case 'over':
      return `${call.call}, so that nothing waited for it`;
    case 'under way':
      return `${call.call}, which had not ended`;
    case 'never began':
      return `${call.call}, which never ran`;
    default:
      return call satisfies never;
  }
}
/** The message of an error of the journal is for clients over HTTP, and tells little. */
const detailOf = (error: Error): string =>
  error instanceof JournalUnavailableError ? error.detail : messageOf(error);
const reasonOf = (error: unknown): string =>
  error instanceof JournalUnavailableError ? `${error.name}: ${error.detail}` : errorTextWithCauses(error);
const placeOf = ({ namespace, schema }: InstanceFacts): string =>
  `${schema === null ? 'in memory' : `schema "${schema}"`}, namespace "${namespace}"`;
const listed = (what: string, names: readonly string[]): string =>
  names.length === 0 ? '' : `${what} {${names.join(', ')}}`;
const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`;
/** The stack without the message above it, which has been said. */
function framesOf(error: Error): string | undefined {
  const stack = stackOf(error);
  const message = messageOf(error);
  const at = stack?.indexOf(message) ?? -1;
  const frames = at < 0 ? stack : stack?.slice(at + message.length).replace(/^\s*\n/, '');
  return frames ? indentedLines(frames) : undefined;
}

/** Every line is one: much of what it tells was given from outside. */
class LineLogger {
  readonly #logger = new Logger('Continuum');
  log(text: string): void {
    this.#logger.log(oneLine(text));
  }
  warn(text: string): void {
    this.#logger.warn(oneLine(text));
  }
  error(text: string, frames?: string): void {
    this.#logger.error(oneLine(text), frames);
  }
}

/** How it is said that a run ended. */
const ENDED = {
  completed: 'completed',
  failed: 'failed',
  cancelled: 'was cancelled',
  timed_out: 'timed out',
} as const;
