import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { Class, HandlerMark, UpdateHandler, WorkflowDefinition } from '../core/index.js';
import { handlerMarks, isStandardSchema, methodOf } from '../core/index.js';

type Handlers = Pick<WorkflowDefinition, 'signals' | 'signalInputs' | 'updates' | 'queries'>;

/** The handlers of a workflow. Adds what is wrong with them to `problems`. */
export function readHandlers(type: Class, marked: Class, problems: string[]): Handlers {
  const reader = new HandlerReader(type, problems);
  // A test's stand-in may have the handlers of the class it stands for, without being one.
  for (const [method, marks] of new Map([...handlerMarks.of(marked), ...handlerMarks.of(type)]))
    reader.read(method, marks);
  return reader.handlers();
}

class HandlerReader {
  readonly #type: Class;
  readonly #problems: string[];
  readonly #signals = new Set<string>();
  readonly #signalInputs = new Map<string, StandardSchemaV1>();
  readonly #updates = new Map<string, UpdateHandler>();
  readonly #queries = new Set<string>();
  /** Methods that look at updates, by the update's name. */
  readonly #validators = new Map<string, string>();

  constructor(type: Class, problems: string[]) {
    this.#type = type;
    this.#problems = problems;
  }

  read(method: string | symbol, [mark, ...more]: readonly HandlerMark[]): void {
    if (typeof method === 'symbol' || !methodOf(this.#type, method)) {
      return this.#refuse(
        method,
        'is marked as a handler, but is not a method with an ordinary name. Make it one.',
      );
    }
    if (method === 'run') {
      return this.#refuse(
        method,
        'is marked as a handler, but run() is the workflow itself. Name the handler otherwise.',
      );
    }
    if (more.length > 0) {
      return this.#refuse(
        method,
        `is marked ${more.length + 1} times as a handler (@OnSignal(), @OnUpdate(), @ValidateUpdate() or @OnQuery()). A name means one thing: keep one.`,
      );
    }
    if (mark) this.#keep(method, mark);
  }

  handlers(): Handlers {
    for (const [update, validator] of this.#validators) this.#join(update, validator);
    return {
      signals: this.#signals,
      signalInputs: this.#signalInputs,
      updates: this.#updates,
      queries: this.#queries,
    };
  }

  #keep(method: string, mark: HandlerMark): void {
    switch (mark.kind) {
      case 'signal': {
        this.#checkOptions('@OnSignal()', method, mark.options);
        this.#signals.add(method);
        if (mark.options.input) this.#signalInputs.set(method, mark.options.input);
        return;
      }
      case 'update':
        this.#checkOptions('@OnUpdate()', method, mark.options);
        this.#updates.set(method, { validator: null, input: mark.options.input });
        return;
      case 'validator':
        return this.#keepValidator(method, mark.update);
      case 'query':
        this.#queries.add(method);
        return;
      default:
        return mark satisfies never;
    }
  }

  #keepValidator(method: string, update: string): void {
    const other = this.#validators.get(update);
    if (other !== undefined) {
      return this.#refuse(
        method,
        `validates the update "${update}", and so does ${this.#type.name}.${other}. One method looks at an update: join them.`,
      );
    }
    if (methodOf(this.#type, method)?.constructor.name === 'AsyncFunction') {
      return this.#refuse(
        method,
        `validates the update "${update}", but is async. A validator answers at once, from the fields of the run: look things up in an activity of the handler instead.`,
      );
    }
    this.#validators.set(update, method);
  }

  #join(update: string, validator: string): void {
    const handler = this.#updates.get(update);
    if (handler) {
      this.#updates.set(update, { ...handler, validator });
      return;
    }
    const is = this.#signals.has(update) ? 'a signal' : this.#queries.has(update) ? 'a query' : null;
    const known = [...this.#updates.keys()].join(', ');
    this.#refuse(
      validator,
      is === null
        ? `validates an update "${update}", which ${this.#type.name} does not have. ${known === '' ? 'Mark its handler @OnUpdate().' : `There is ${known}.`}`
        : `validates an update "${update}", but that is ${is}. Only updates can be refused: mark it @OnUpdate() instead.`,
    );
  }

  #checkOptions(
    decorator: string,
    method: string,
    { input, ...unknown }: { readonly input?: unknown },
  ): void {
    const place = `${this.#type.name}.${method}`;
    if (input !== undefined && !isStandardSchema(input)) {
      this.#problems.push(
        `${decorator} of ${place}: "input" is a Standard Schema, such as one of zod, valibot or arktype.`,
      );
    }
    for (const key of Object.keys(unknown)) {
      this.#problems.push(`${decorator} of ${place}: "${key}" is an unknown option. There is input.`);
    }
  }

  #refuse(method: string | symbol, problem: string): void {
    this.#problems.push(`${this.#type.name}.${String(method)} ${problem}`);
  }
}
