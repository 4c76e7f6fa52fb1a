import { command } from '../statement.js';

/** Tells every listener, as a transaction by itself: inside another one it would make all commits wait for each other. */
export const notifyHints = command<
  { readonly channel: string; readonly payloads: string },
  { readonly done: string }
>(
  'notify hints',
  () => `
select pg_notify(:channel, message.payload) as done
from unnest(:payloads::text[]) as message(payload)
`,
);
