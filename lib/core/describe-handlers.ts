import type { StandardSchemaV1 } from '@standard-schema/spec';
import { readProperty } from './thrown.js';
import { describeWorkflow } from './workflow-descriptor.js';

/** A message or a question that a workflow has a handler for. */
export interface HandlerDescription {
  readonly kind: 'signal' | 'update' | 'query';
  readonly name: string;
  /**
   * The JSON Schema of what a sender gives, by the library of its schema (zod and others can tell it). `null`: the handler has
   * no schema, or its library does not say.
   */
  readonly input: Readonly<Record<string, unknown>> | null;
}

/**
 * What a workflow can be told and asked, for tools: a form, an API description, a command line.
 *
 * ```ts
 * for (const { kind, name, input } of describeHandlers(ApprovalWorkflow)) console.log(kind, name, input);
 * ```
 *
 * @param workflow a class that is decorated with `@Workflow()`; of any other class nothing is told
 * @returns its signals, updates and queries, in this order, each in that of the class
 */
export function describeHandlers(
  workflow: abstract new (...dependencies: never[]) => object,
): readonly HandlerDescription[] {
  const descriptor = describeWorkflow(workflow);
  if (!descriptor) return [];
  const described =
    (kind: 'signal' | 'update') =>
    ([name, schema]: [string, StandardSchemaV1 | undefined]): HandlerDescription => ({
      kind,
      name,
      input: schema ? jsonSchemaOf(schema) : null,
    });
  return [
    ...[...descriptor.signals].map(described('signal')),
    ...[...descriptor.updates].map(described('update')),
    ...[...descriptor.queries].map((name) => ({ kind: 'query', name, input: null }) as const),
  ];
}

const TARGET = 'draft-2020-12';

/** By the Standard JSON Schema interface. A library may find that a schema has no JSON Schema, and throw. */
function jsonSchemaOf(schema: StandardSchemaV1): Readonly<Record<string, unknown>> | null {
  const converter = readProperty(schema['~standard'], 'jsonSchema');
  const input = readProperty(converter, 'input');
  if (typeof input !== 'function') return null;
  try {
    const told: unknown = Reflect.apply(input, converter, [{ target: TARGET }]);
    // The cast: a JSON Schema is an object with names.
    return typeof told === 'object' && told !== null ? (told as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}
