import { textArray } from './array-literals.js';
import { notifyHints } from './sql/notify-hints.js';
import type { StatementRunner } from './statement.js';

/** A notification has less than 8,000 bytes. */
const MAX_BYTES = 7_900;

/** Tells hints, as few notifications as they fit in. One that is too long for any is left out: hints are best effort. */
export async function notify(sql: StatementRunner, channel: string, hints: readonly string[]): Promise<void> {
  const payloads: string[] = [];
  let together: string[] = [];
  let bytes = 2;
  const close = (): void => {
    if (together.length > 0) payloads.push(`[${together.join(',')}]`);
    together = [];
    bytes = 2;
  };
  for (const hint of hints) {
    const json = JSON.stringify(hint);
    const length = Buffer.byteLength(json) + 1;
    if (length + 2 > MAX_BYTES) continue;
    if (bytes + length > MAX_BYTES) close();
    together.push(json);
    bytes += length;
  }
  close();
  if (payloads.length > 0) await sql.run(notifyHints, { channel, payloads: textArray(payloads) });
}
