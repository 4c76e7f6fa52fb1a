import { Logger } from '@nestjs/common';
import type { EngineEvent, Observer, RunFacts } from '../observability/index.js';

/** Writes to Nest's log what an operator should see. */
export class LoggingObserver implements Observer {
  readonly #logger = new Logger('Continuum');
  readonly #workflows = new Map<string, Logger>();
  /** Said once until it is over: an unreachable database fails many times a second. */
  #unavailable = false;

  notice(event: EngineEvent): void {
    switch (event.type) {
      case 'worker registered':
        this.#unavailable = false;
        this.#logger.log(`Worker ${event.workerId} is at work.`);
        break;
      case 'worker lost':
        this.#logger.warn(
          `Worker ${event.workerId} lost its session (${event.reason}): its runs are taken over, and it begins a new one.`,
        );
        break;
      case 'workers rescued':
        if (event.deadWorkers.length > 0)
          this.#logger.warn(
            `Took over ${event.freedActors} runs of ${event.deadWorkers.length} dead workers.`,
          );
        break;
      case 'turn failed':
        this.#logger.error(
          `${nameOf(event.run)} cannot go on and is tried again in ${event.retryIn} ms. ${event.error.message}`,
          event.error.stack,
        );
        break;
      case 'lease lost':
        this.#logger.warn(`${nameOf(event.run)} was taken over by another worker.`);
        break;
      case 'activity attempt failed':
        this.#logger.warn(
          `Attempt ${event.attempt} of ${event.activity} for ${nameOf(event.run)} failed${event.retryIn === null ? ' for good' : `; the next one follows in ${event.retryIn} ms`}: ${messageOf(event.error)}`,
        );
        break;
      case 'run closed':
        if (event.state === 'failed')
          this.#logger.warn(`${nameOf(event.run)} failed: ${messageOf(event.error)}`);
        break;
      case 'journal unavailable':
        if (!this.#unavailable)
          this.#logger.error(`The journal cannot be reached (${event.during}): ${event.error.message}`);
        this.#unavailable = true;
        break;
      case 'turn committed':
        this.#unavailable = false;
        break;
      case 'workflow log':
      case 'activity log':
        this.#of(event.run.workflow)[event.level](...lineOf(event));
        break;
      case 'run claimed':
      case 'run released':
      case 'turn refused':
      case 'activity attempt started':
        break;
    }
  }

  #of(workflow: string): Logger {
    let logger = this.#workflows.get(workflow);
    if (!logger) this.#workflows.set(workflow, (logger = new Logger(workflow)));
    return logger;
  }
}

function lineOf({
  message,
  facts,
  run,
}: Extract<EngineEvent, { type: 'workflow log' | 'activity log' }>): [string, ...object[]] {
  const text = `[${run.workflowId}] ${message}`;
  return facts === null ? [text] : [text, facts];
}
const nameOf = (run: RunFacts): string => `Workflow ${run.workflow} "${run.workflowId}" (run ${run.runId})`;
const messageOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}${causeOf(error)}` : String(error);
const causeOf = (error: Error): string =>
  error.cause === undefined ? '' : `, because of ${messageOf(error.cause)}`;
