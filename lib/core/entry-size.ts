import { forEachType } from './entry-catalogue.js';
import type { CarriedSignal, HistoryEntry, SideEffectOutcome } from './history.js';

/** The columns of a row that do not grow. */
const FRAME = 100;
const LIST_ITEM = 8;

/** Fields that can be of any size, of each type. */
const WEIGHED = forEachType(({ fields }): readonly string[] =>
  Object.entries(fields).flatMap(([field, { holds }]) =>
    holds === 'plain' || holds === 'command' ? [] : [field],
  ),
);

/**
 * About what an entry weighs on its way to a journal: everything in it that can be large counts. Code sees the sum of it
 * (`ctx.info.historyBytes`), so that another way of counting is another semantics version (F29).
 */
export function bytesOf(entry: HistoryEntry): number {
  let bytes = FRAME;
  // The cast: the catalogue says what these fields hold, and does not compile where that is not so.
  const fields = entry as unknown as Readonly<Record<string, Weighed>>;
  for (const field of WEIGHED[entry.type]) bytes += weightOf(fields[field]);
  return bytes;
}

type Weighed = string | readonly number[] | readonly CarriedSignal[] | SideEffectOutcome | null | undefined;

function weightOf(held: Weighed): number {
  if (typeof held === 'string') return held.length;
  if (held === null || held === undefined) return 0;
  if ('length' in held) {
    let bytes = 0;
    for (const item of held)
      bytes += typeof item === 'number' ? LIST_ITEM : item.name.length + item.payload.length;
    return bytes;
  }
  return held.type === 'value' ? held.value.length : held.failure.length;
}
