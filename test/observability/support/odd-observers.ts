/* Runs in a process of its own, started by observers.spec.ts: tells observers that fail in every odd way. */
import { Observers } from '../../../lib/observability/index.js';
import { ODD } from '../../support/odd-errors.js';

let told = 0;
for (const odd of Object.values(ODD)) {
  const throwIt = (): never => {
    told++;
    // What is thrown is the point.
    // oxlint-disable-next-line typescript/only-throw-error
    throw odd();
  };
  // TypeScript allows it where `void` is wanted.
  // oxlint-disable-next-line typescript/no-misused-promises
  const rejecting = { notice: async () => throwIt() };
  new Observers([{ notice: throwIt }, rejecting]).notice({ type: 'journal available' });
}
await new Promise((resolve) => setTimeout(resolve, 1));
console.log(`${told / 2} of each`);
