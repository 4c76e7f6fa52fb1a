import type { StandardSchemaV1 } from '@standard-schema/spec';
import type { WorkflowDescriptor } from '../core/index.js';
import { UnknownHandlerError } from './errors.js';

/**
 * The schema of a handler. Throws {@link UnknownHandlerError} where the class is known and has no such one.
 *
 * @param descriptor `undefined` where the class is not known: the worker that has it checks then
 */
export function handlerOf(
  descriptor: WorkflowDescriptor | undefined,
  kind: 'signal' | 'update',
  name: string,
): StandardSchemaV1 | undefined {
  if (!descriptor) return undefined;
  const handlers = kind === 'signal' ? descriptor.signals : descriptor.updates;
  if (handlers.has(name)) return handlers.get(name);
  throw new UnknownHandlerError(descriptor.name, kind, name, [...handlers.keys()], kindOf(descriptor, name));
}

function kindOf(
  { signals, updates, queries }: WorkflowDescriptor,
  name: string,
): 'signal' | 'update' | 'query' | null {
  if (signals.has(name)) return 'signal';
  if (updates.has(name)) return 'update';
  return queries.has(name) ? 'query' : null;
}
