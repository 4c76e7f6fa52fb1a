import { JournalUnavailableError } from '../../../lib/journal/index.js';
import type { Journal } from '../../../lib/journal/index.js';
import { gate } from '../../support/gate.js';

/** What becomes of one write. */
export const TROUBLES = [
  /** It is not written, and nobody knows. */
  'is lost on its way',
  /** It is written, and nobody knows. */
  'has lost its answer',
  /** The process dies before it is written. */
  'is never sent, because the process dies',
  /** It is written, and the process dies before it hears so. */
  'is the last one of its process',
] as const;
export type Trouble = (typeof TROUBLES)[number];
const WRITES = ['commit', 'commitLocked', 'deliver'] as const satisfies readonly (keyof Journal)[];
export type Write = (typeof WRITES)[number];

/**
 * A journal whose n-th write of a kind comes to trouble. A process that has died reaches nothing any more.
 *
 * @param writesAnything whether there is anything to write now: looks that find nothing do not count
 */
export function mortalJournal(
  journal: Journal,
  which: readonly Write[],
  nth: number,
  trouble: Trouble,
  writesAnything: (verb: Write) => boolean,
): { readonly journal: Journal; readonly died: Promise<void>; readonly writes: () => number } {
  const died = gate();
  let dead = false;
  let writes = 0;
  const never = new Promise<never>(() => undefined);
  const unreachable = (): Promise<never> =>
    Promise.reject(new JournalUnavailableError('The process is gone.', true));

  async function write(real: () => Promise<unknown>): Promise<unknown> {
    if (++writes !== nth) return real();
    if (trouble !== 'is lost on its way' && trouble !== 'is never sent, because the process dies')
      await real();
    if (trouble === 'is lost on its way' || trouble === 'has lost its answer') return unreachable();
    dead = true;
    died.open();
    return never;
  }

  const isWrite = (verb: PropertyKey): boolean => which.some((kind) => kind === verb && writesAnything(kind));
  const mortal = new Proxy(journal, {
    get(target, verb) {
      const own: unknown = Reflect.get(target, verb);
      if (typeof own !== 'function') return own;
      return (...args: unknown[]) => {
        const real = (): Promise<unknown> => Reflect.apply(own, target, args) as Promise<unknown>;
        // Its owner closes it.
        if (dead && verb !== 'close') return unreachable();
        return isWrite(verb) ? write(real) : real();
      };
    },
  });
  return { journal: mortal, died: died.opened, writes: () => writes };
}
