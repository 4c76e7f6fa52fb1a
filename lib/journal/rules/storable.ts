import { LONGEST_NAME_BYTES, isStorableText } from '../../core/index.js';
import { JournalRefusedError } from '../errors.js';
import type {
  CallbackSettlement,
  Message,
  RetryRollbackRequest,
  RunFilter,
  StartRequest,
  StartWithRequest,
  TerminateRequest,
} from '../port/index.js';
import { requireUuid } from './ids.js';

// Both adapters refuse the same things, before anything is written: a workflow id that one of them cut or changed
// would be another workflow id.

/** Throws {@link JournalRefusedError} for a start that cannot be stored as it is. */
export function refuseUnstorableStart(request: StartRequest): void {
  requireUuid('run id', request.runId);
  const run = `the start of "${excerpt(request.workflowId)}"`;
  refuseName('namespace', request.namespace, run);
  refuseName('workflow id', request.workflowId, run);
  refuseName('workflow name', request.workflow, run);
  if (!Number.isInteger(request.priority) || request.priority < 0 || request.priority > 4) {
    throw new JournalRefusedError(`A priority is 0, 1, 2, 3 or 4; ${run} has ${request.priority}.`);
  }
  if (request.attributes !== null) refuseAttributes(request.attributes, run);
  refuseBy(request, run);
}

/** Throws {@link JournalRefusedError} for a message that cannot be stored as it is. */
export function refuseUnstorableMessage(message: Message): void {
  const target = `the ${message.kind} to "${excerpt(message.workflowId)}"`;
  refuseName('namespace', message.namespace, target);
  refuseName('workflow id', message.workflowId, target);
  if (message.name !== null) refuseName(`${message.kind} name`, message.name, target);
  if (message.kind === 'update' && (message.name === null || message.dedupeId === null)) {
    throw new JournalRefusedError(`An update has a name and an id; ${target} lacks one.`);
  }
  if (message.dedupeId !== null) refuseName('dedupe id', message.dedupeId, target);
  refuseBy(message, target);
}

/** Throws {@link JournalRefusedError} for a filter by what no run can have. */
export function refuseUnstorableFilter(filter: RunFilter): void {
  const { namespace, workflow, workflowId, attributes = {}, conditions = [] } = filter;
  for (const [what, names] of Object.entries({ namespace, workflow, 'workflow id': workflowId }))
    for (const name of [names ?? []].flat()) refuseText(what, name, 'a filter');
  refuseAttributes(attributes, 'a filter');
  for (const condition of conditions) {
    const values = condition.is === 'in' ? condition.values : condition.value;
    refuseAttributes({ [condition.name]: values }, 'a filter');
  }
}

/** Throws {@link JournalRefusedError} for a start and a message that do not belong together, or cannot be stored. */
export function refuseUnstorableStartWith({ start, message }: StartWithRequest): void {
  refuseUnstorableStart(start);
  refuseUnstorableMessage(message);
  const isOne = start.namespace === message.namespace && start.workflowId === message.workflowId;
  const isFirst = (message.kind === 'signal' || message.kind === 'update') && message.dedupeId !== null;
  if (!isOne || !isFirst || start.first !== null || start.debounce) {
    throw new JournalRefusedError(
      `What is started with a message has no first turn and is not held back, and the message is a signal or an update to it, with an id; the start of "${excerpt(start.workflowId)}" with the ${message.kind} to "${excerpt(message.workflowId)}" is none.`,
    );
  }
}

/** Throws {@link JournalRefusedError} for a settlement of what can be no callback. */
export function refuseUnstorableSettlement({ namespace, callback, dedupeId }: CallbackSettlement): void {
  const target =
    callback.by === 'key' ? `the callback "${excerpt(callback.key)}"` : 'a callback that its token names';
  refuseName('namespace', namespace, target);
  if (callback.by === 'key') refuseName('key', callback.key, target);
  refuseName('dedupe id', dedupeId, target);
}

/** Throws {@link JournalRefusedError} for a workflow id that no run can have. */
export function refuseUnstorableTermination(request: TerminateRequest): void {
  const target = `the termination of "${excerpt(request.workflowId)}"`;
  refuseName('namespace', request.namespace, target);
  refuseName('workflow id', request.workflowId, target);
  refuseBy(request, target);
}

/** Throws {@link JournalRefusedError} for what no run can have. */
export function refuseUnstorableRetry(request: RetryRollbackRequest): void {
  const target = `the rollback of "${excerpt(request.workflowId)}"`;
  refuseName('namespace', request.namespace, target);
  refuseName('workflow id', request.workflowId, target);
  refuseBy(request, target);
}

function refuseBy({ by }: { readonly by?: string | null | undefined }, of: string): void {
  if (by != null) refuseName('name of an actor', by, of);
}

function refuseName(what: string, name: string, of: string): void {
  const bytes = Buffer.byteLength(name);
  if (bytes > LONGEST_NAME_BYTES) {
    throw new JournalRefusedError(
      `A ${what} has at most ${LONGEST_NAME_BYTES} bytes; that of ${of}, "${excerpt(name)}", has ${bytes}. Choose a shorter one.`,
    );
  }
  refuseText(what, name, of);
}

function refuseText(what: string, name: string, of: string): void {
  if (!isStorableText(name)) {
    throw new JournalRefusedError(
      `A ${what} has neither \\u0000 nor half of a surrogate pair; that of ${of}, ${JSON.stringify(name)}, has.`,
    );
  }
}

/** Attributes are what lists filter by, so they are plain JSON that a database can index. */
function refuseAttributes(attributes: Readonly<Record<string, unknown>>, of: string): void {
  const refuse = (path: string, why: string): never => {
    throw new JournalRefusedError(
      `Attributes are plain JSON; of ${of}, ${path} ${why}. Leave it out or convert it.`,
    );
  };
  const look = (value: unknown, path: string, above: readonly object[]): void => {
    if (typeof value === 'string') {
      if (!isStorableText(value)) refuse(path, 'has \\u0000 or half of a surrogate pair');
    } else if (typeof value === 'number') {
      if (!Number.isFinite(value)) refuse(path, `is ${value}`);
    } else if (Array.isArray(value)) {
      if (above.includes(value)) refuse(path, 'contains itself');
      value.forEach((item: unknown, i) => look(item, `${path}[${i}]`, [...above, value]));
    } else if (typeof value === 'object' && value !== null) {
      if (above.includes(value)) refuse(path, 'contains itself');
      if (!isPlainObject(value)) refuse(path, 'is an object of a class');
      for (const [key, member] of Object.entries(value)) {
        if (!isStorableText(key))
          refuse(`${path}[${JSON.stringify(key)}]`, 'has \\u0000 or half of a surrogate pair in its name');
        // A member that is undefined is not there, as in JSON.
        if (member !== undefined) look(member, `${path}.${key}`, [...above, value]);
      }
    } else if (value !== null && typeof value !== 'boolean') {
      refuse(path, `is ${typeof value === 'undefined' ? 'undefined' : `a ${typeof value}`}`);
    }
  };
  look(attributes, 'attributes', []);
}

/** By shape and not by `Object.prototype`, which is another one in every realm (F8). */
function isPlainObject(value: object): boolean {
  if (Object.prototype.toString.call(value) !== '[object Object]') return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const excerpt = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);
