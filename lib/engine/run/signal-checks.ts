import type { StandardSchemaV1 } from '@standard-schema/spec';
import {
  errorText,
  isArray,
  lengthOf,
  limit,
  messageOf,
  readProperty,
  textOf,
  WorkflowMistakeError,
} from '../../core/index.js';
import type { Codec, Encoded } from '../../core/index.js';
import { LongTimer } from '../../concurrency/index.js';
import { inAscii } from '../activities/returned-result.js';

/** What a schema says of a signal's payload. */
export type SchemaVerdict =
  | { readonly type: 'accepted'; readonly payload: Encoded }
  | { readonly type: 'refused'; readonly issues: Encoded };

/** How long a schema may take, in ms. */
const SCHEMA_TIMEOUT = 10_000;
/** So much of what a schema says is kept. */
const MOST_ISSUES = 20;
const LONGEST_ISSUES = 2_000;

/**
 * Applies schemas to signals and updates, for one turn (F34). A schema sees a payload once, however often the turn is taken again.
 */
export class SignalChecks {
  readonly #codec: Codec;
  readonly #timeout: number;
  readonly #verdicts = new Map<StandardSchemaV1, Map<Encoded, SchemaVerdict>>();

  /** @param timeout how long a schema may take, in ms; defaults to 10 s */
  constructor(codec: Codec, timeout = SCHEMA_TIMEOUT) {
    this.#codec = codec;
    this.#timeout = timeout;
  }

  /**
   * @param subject what is checked: `signal "approve"`
   * @throws WorkflowMistakeError for a schema that throws, or that does not answer: that is not the sender's fault
   */
  async check(
    subject: string,
    schema: StandardSchemaV1 | undefined,
    payload: Encoded,
  ): Promise<SchemaVerdict> {
    // The code that waits has no schema any more, since a deploy: every payload is accepted.
    if (!schema) return { type: 'accepted', payload };
    let verdicts = this.#verdicts.get(schema);
    if (!verdicts) this.#verdicts.set(schema, (verdicts = new Map()));
    let verdict = verdicts.get(payload);
    if (!verdict) verdicts.set(payload, (verdict = await this.#ask(subject, schema, payload)));
    return verdict;
  }

  async #ask(subject: string, schema: StandardSchemaV1, payload: Encoded): Promise<SchemaVerdict> {
    const value = this.#codec.decode(payload);
    let result: unknown;
    try {
      result = await this.#inTime(schema['~standard'].validate(value));
    } catch (error) {
      throw mistake(subject, `failed: ${errorText(error).replace(/\.$/, '')}`, error);
    }
    if (typeof result !== 'object' || result === null) {
      throw mistake(subject, `answered ${textOf(result)}, which is no result of a Standard Schema`);
    }
    const issues = readProperty(result, 'issues');
    if (issues !== undefined && issues !== null) return this.#refused(textOfIssues(issues));
    try {
      return { type: 'accepted', payload: this.#codec.encode(readProperty(result, 'value')) };
    } catch (error) {
      return this.#refused(`What the schema yields cannot be stored. ${messageOf(error)}`);
    }
  }

  #refused(issues: string): SchemaVerdict {
    // The schema chose the words. In ASCII, because the encoding of the database may lack some of their characters.
    return { type: 'refused', issues: inAscii(this.#codec.encode(limit(issues, LONGEST_ISSUES))) };
  }

  async #inTime(answer: unknown): Promise<unknown> {
    if (typeof readProperty(answer, 'then') !== 'function') return answer;
    let timer: LongTimer | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new Error(`it has not answered for ${this.#timeout} ms`);
      timer = LongTimer.start(this.#timeout, () => reject(error));
    });
    try {
      return await Promise.race([answer, late]);
    } finally {
      timer?.cancel();
    }
  }
}

const mistake = (subject: string, what: string, cause?: unknown): WorkflowMistakeError =>
  new WorkflowMistakeError(
    `The schema of the ${subject} ${what}. A schema accepts or refuses, so the run is blocked. Mend it and deploy: the run goes on from its last step.`,
    { cause },
  );

/** `items.0.count: Expected a number; …` */
function textOfIssues(issues: unknown): string {
  if (!isArray(issues)) return textOf(issues);
  const told: string[] = [];
  const count = lengthOf(issues);
  for (let i = 0; i < Math.min(count, MOST_ISSUES); i++) told.push(textOfIssue(readProperty(issues, i)));
  if (count > MOST_ISSUES) told.push(`and ${count - MOST_ISSUES} more`);
  return told.join('; ');
}

function textOfIssue(issue: unknown): string {
  const path = readProperty(issue, 'path');
  const message = textOf(readProperty(issue, 'message'));
  if (!isArray(path) || lengthOf(path) === 0) return message;
  const steps: string[] = [];
  for (let i = 0; i < Math.min(lengthOf(path), MOST_ISSUES); i++) {
    const step = readProperty(path, i);
    // A step is a key, or an object that holds one.
    steps.push(textOf(typeof step === 'object' ? readProperty(step, 'key') : step));
  }
  return `${steps.join('.')}: ${message}`;
}
