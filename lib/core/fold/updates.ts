import type { Encoded, SideEffectOutcome, UpdateAccepted, UpdateAnswered } from '../history.js';
import type { Execution } from './execution.js';

/** So many updates of one run may be accepted and not answered at a time. */
export const MOST_OPEN_UPDATES = 1_000;

/**
 * Whether an update can be accepted, by the state of the run before it. One that is refused leaves no entry: only its answer
 * is kept.
 */
export type UpdateVerdict =
  | { readonly type: 'accepted' }
  /** Its validator threw this. */
  | { readonly type: 'refused'; readonly error: unknown }
  /** The workflow has no handler of that name. */
  | { readonly type: 'unknown'; readonly known: readonly string[] }
  /** {@link MOST_OPEN_UPDATES} are open. */
  | { readonly type: 'too many' }
  /** The outcome of the run is decided (F16), or it never begins. `continued`: it is about to continue as a new one. */
  | { readonly type: 'not running' | 'continued' };

const ACCEPTED: UpdateVerdict = { type: 'accepted' };
const NOT_RUNNING: UpdateVerdict = { type: 'not running' };
const CONTINUED: UpdateVerdict = { type: 'continued' };

/**
 * @param begun whether there is an object that could take it
 * @param validate calls the method of that name, which throws to refuse the update
 */
export function verdictOn(
  run: Execution,
  begun: boolean,
  name: string,
  validate: (validator: string) => unknown,
): UpdateVerdict {
  if (run.decision?.type === 'continued') return CONTINUED;
  if (!begun || run.decision !== null || run.concluded) return NOT_RUNNING;
  const handler = run.definition.updates?.get(name);
  if (!handler) return { type: 'unknown', known: [...(run.definition.updates?.keys() ?? [])] };
  if (run.ledger.progress.openUpdates.size >= MOST_OPEN_UPDATES) return { type: 'too many' };
  const { validator } = handler;
  if (validator === null) return ACCEPTED;
  try {
    run.read('validator', () => validate(validator));
    return ACCEPTED;
  } catch (error) {
    return { type: 'refused', error };
  }
}

/**
 * Calls the handler of an accepted update, and records what it comes to. What it throws is the caller's, and the run goes on
 * (F19); so is an answer that cannot be stored.
 */
export function acceptedUpdate(
  run: Execution,
  { name, updateId, payload }: UpdateAccepted,
  handle: (payload: unknown) => unknown,
): void {
  const answer = (outcome: SideEffectOutcome): void => {
    run.handlers--;
    run.ledger.record({ type: 'update_answered', at: run.ledger.now, updateId, outcome, unanswered: null });
  };
  const failed = (error: unknown): void =>
    answer({ type: 'failure', failure: run.codec.encodeFailure(error) });
  run.handlers++;
  run.call(
    `The handler of update ${name}`,
    () => handle(run.codec.decode(payload)),
    (value) => {
      let encoded: Encoded;
      try {
        encoded = run.codec.encode(value);
      } catch (error) {
        return failed(error);
      }
      answer({ type: 'value', value: encoded });
    },
    failed,
  );
}

/** The run is concluded: no handler runs any more, so that nobody else would answer what is open (F16). */
export function answerOpenUpdates(run: Execution, why: NonNullable<UpdateAnswered['unanswered']>): void {
  const { progress, now: at } = run.ledger;
  for (const { updateId, name } of progress.openUpdates.values()) {
    const error = new Error(`The run has ended before it answered the update "${name}".`);
    const outcome = { type: 'failure', failure: run.codec.encodeFailure(error) } as const;
    run.ledger.record({ type: 'update_answered', at, updateId, outcome, unanswered: why });
  }
}
