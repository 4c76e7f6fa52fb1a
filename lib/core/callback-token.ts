import type { CommandId } from './history.js';
import { InvalidInputError } from './reaching-errors.js';

/** What a token names: a command of one run. */
export interface CallbackName {
  readonly namespace: string;
  readonly workflowId: string;
  /** The run that recorded the command. */
  readonly runId: string;
  readonly id: CommandId;
}

/** The first element, which tells a token from a key, and from tokens of other things. */
const KIND = 'callback';
/** What every token begins with: of the text `["callback",` whole groups of three letters become whole groups of four. */
const BEGINS_WITH = btoa(`["${KIND}",`);

/** Letters, digits, `-` and `_`: it may stand in a URL as it is. */
export function callbackToken({ namespace, workflowId, runId, id }: CallbackName): string {
  const ascii = JSON.stringify([KIND, namespace, workflowId, runId, id]).replaceAll(
    /[^\u0020-\u007e]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
  return btoa(ascii).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** Whether a text is a token, or what is left of one: no key begins so. */
export const isCallbackToken = (text: string): boolean => text.startsWith(BEGINS_WITH);

/** Throws {@link InvalidInputError} for what no {@link callbackToken} is: cut off, perhaps, where it was passed on. */
export function readCallbackToken(token: string): CallbackName {
  const parts = partsOf(token);
  if (!Array.isArray(parts) || parts.length !== 5) throw damaged();
  const [, namespace, workflowId, runId, id] = parts as readonly unknown[];
  if (typeof namespace !== 'string' || typeof workflowId !== 'string' || typeof runId !== 'string')
    throw damaged();
  if (typeof id !== 'number' || !Number.isSafeInteger(id) || id < 0) throw damaged();
  const name = { namespace, workflowId, runId, id };
  // One name has one token: whatever else can be read as it was changed on its way.
  if (callbackToken(name) !== token) throw damaged();
  return name;
}

function partsOf(token: string): unknown {
  try {
    return JSON.parse(atob(token.replaceAll('-', '+').replaceAll('_', '/')));
  } catch {
    return null;
  }
}

const damaged = (): InvalidInputError =>
  new InvalidInputError('the token of a callback', [
    { message: 'is damaged: pass it on as ctx.callback() gave it, whole', path: [] },
  ]);
