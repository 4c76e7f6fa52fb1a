import type {
  Journal,
  Message,
  MessageKind,
  OnConflict,
  RunId,
  SendAnswer,
  UpdateAnswer,
} from '../../../journal/index.js';
import { only, range } from '../concurrency.js';
import { NAMESPACE } from '../scenario.js';
import type { Random } from './random.js';
import { type Acknowledged, type StressRecord, pause, startRequest } from './stress-record.js';

/** Sends batches of new messages and repeated ones, to some workflow ids more than to others. */
export async function sendMessages(
  record: StressRecord,
  journal: Journal,
  random: Random,
  name: string,
): Promise<void> {
  const sent: Message[] = [];
  for (let n = 0; !record.stopped;) {
    const batch = range(1 + random.below(4)).map(() => {
      const earlier = random.chance(0.15) ? random.pick(sent) : undefined;
      return earlier ?? message(record, random, `${name}-${n++}`);
    });
    await sendUntilAnswered(record, journal, random, batch, name);
    sent.push(...batch);
    if (random.chance(0.3)) await pause(random.below(4));
  }
}

const KINDS: readonly MessageKind[] = [
  ...range(12).map(() => 'signal' as const),
  ...range(5).map(() => 'update' as const),
  'cancel',
  'cancel',
  'activity_result',
];

function message(record: StressRecord, random: Random, id: string): Message {
  // Its payload as well, which is JSON text.
  const dedupeId = JSON.stringify(id);
  const some = random.chance(0.5) ? record.workflowIds.slice(0, 5) : record.workflowIds;
  const kind = random.pick(KINDS) ?? 'signal';
  return {
    namespace: NAMESPACE,
    workflowId: random.pick(some) ?? '',
    runId: null,
    kind,
    name: kind === 'cancel' ? null : '0',
    payload: dedupeId,
    dedupeId,
  };
}

async function sendUntilAnswered(
  record: StressRecord,
  journal: Journal,
  random: Random,
  batch: readonly Message[],
  sender: string,
): Promise<void> {
  let rest = batch;
  for (let tries = 1; rest.length > 0; tries++) {
    const answers =
      tries > 3 && rest.length === 1 ? await journal.send(rest, { wait: true }) : await journal.send(rest);
    checkTogether(record, rest, answers);
    rest.forEach((one, i) => note(record, one, answers[i], sender));
    rest = rest.filter((_, i) => answers[i]?.type === 'again');
    if (rest.length > 0) await pause(random.below(3));
  }
}

/** Of one target either all messages of a batch must be sent again or none, or they would overtake each other. */
function checkTogether(
  record: StressRecord,
  batch: readonly Message[],
  answers: readonly SendAnswer[],
): void {
  const again = new Map<string, boolean>();
  batch.forEach(({ workflowId }, i) => {
    const mustRepeat = answers[i]?.type === 'again';
    if ((again.get(workflowId) ?? mustRepeat) !== mustRepeat) {
      record.violated('messages of one batch to one target came apart', { workflowId, answers });
    }
    again.set(workflowId, mustRepeat);
  });
}

function note(record: StressRecord, sent: Message, answer: SendAnswer | undefined, sender: string): void {
  const { dedupeId, workflowId, kind } = sent;
  if (answer === undefined || dedupeId === null) return record.violated('a message without an answer', sent);
  record.count(answer.type);
  const known = record.acknowledged.has(dedupeId);
  if (answer.type === 'accepted') {
    if (known) record.violated('a message was accepted twice', { sent, answer });
    const { actorId, n } = answer;
    record.acknowledged.set(dedupeId, { workflowId, actorId, n, kind, sender });
  } else if (answer.type === 'duplicate' && !known) {
    record.violated('a message that never was accepted is a duplicate', sent);
  }
}

/** An application's transactions: each signals two runs, stays open for a while, and is rolled back now and then. */
export async function sendInTransactions(
  record: StressRecord,
  journal: Journal,
  random: Random,
): Promise<void> {
  const { transaction } = record.harness;
  if (transaction === undefined) return;
  for (let n = 0; !record.stopped;) {
    const accepted: [Message, SendAnswer][] = [];
    const end = random.chance(0.2) ? 'roll back' : 'commit';
    await transaction(async (within) => {
      for (const _ of range(2)) {
        const one = message(record, random, `transaction-${n++}`);
        const answer = only(await journal.send([one], { within }));
        if (answer.type === 'accepted') accepted.push([one, answer]);
        await pause(10 + random.below(60));
      }
    }, end);
    record.count(`transactions: ${end}`);
    if (end === 'commit') for (const [one, answer] of accepted) note(record, one, answer, 'transaction');
  }
}

/** How long somebody sits on a row who takes his time, in ms. */
const longSitting = (random: Random): number => 500 + random.below(1_500);

/** Application transactions that have started one run and signalled another, and then take seconds. */
export async function sitInTransactions(
  record: StressRecord,
  journal: Journal,
  random: Random,
): Promise<void> {
  const { transaction } = record.harness;
  if (transaction === undefined) return;
  for (let n = 0; !record.stopped;) {
    const end = random.chance(0.3) ? 'roll back' : 'commit';
    const begun: RunId[] = [];
    const accepted: [Message, SendAnswer][] = [];
    await transaction(async (within) => {
      const workflowId = random.pick(record.workflowIds) ?? '';
      const started = only(await journal.start([startRequest(workflowId)], { within }));
      if (started.type === 'started') begun.push(started.runId);
      const one = message(record, random, `sitting-${n++}`);
      const answer = only(await journal.send([one], { within }));
      if (answer.type === 'accepted') accepted.push([one, answer]);
      await pause(longSitting(random));
    }, end);
    record.count(`long transactions: ${end}`);
    if (end === 'roll back') continue;
    for (const runId of begun) record.started.add(runId);
    for (const [one, answer] of accepted) note(record, one, answer, 'sitting');
  }
}

/** Somebody who looks at one row after the other for seconds. */
export async function holdRowsLong(record: StressRecord, journal: Journal, random: Random): Promise<void> {
  while (!record.stopped) {
    await pause(5);
    if (await holdOne(record, journal, random, longSitting(random))) record.count('rows held for long');
  }
}

/** Somebody who looks at rows for a while, without a transaction of the adapter's making. */
export async function holdRows(record: StressRecord, journal: Journal, random: Random): Promise<void> {
  while (!record.stopped) {
    await pause(5 + random.below(20));
    if (await holdOne(record, journal, random, random.below(30))) record.count('rows held');
  }
}

/** Whether there was one to hold. */
async function holdOne(
  record: StressRecord,
  journal: Journal,
  random: Random,
  time: number,
): Promise<boolean> {
  const workflowId = random.pick(record.workflowIds) ?? '';
  const [run] = await journal.describe([{ namespace: NAMESPACE, workflowId, runId: null }]);
  if (run?.state !== 'running') return false;
  // It may have closed since.
  const release = await record.harness.holdActor(run.actorId).catch(() => null);
  if (release === null) return false;
  await pause(time);
  await release();
  return true;
}

const CONFLICTS: readonly OnConflict[] = ['fail', 'fail', 'useExisting', 'terminateExisting'];

export async function startRuns(record: StressRecord, journal: Journal, random: Random): Promise<void> {
  while (!record.stopped) {
    const requests = record.workflowIds
      .filter(() => random.chance(0.3))
      .map((workflowId) => {
        const onConflict = random.chance(0.1) ? (random.pick(CONFLICTS) ?? 'fail') : 'fail';
        return startRequest(workflowId, { priority: random.below(5), onConflict });
      });
    for (const answer of await journal.start(requests)) {
      record.count(answer.type);
      if (answer.type === 'started') record.started.add(answer.runId);
    }
    await pause(20);
  }
}

export async function terminateRuns(record: StressRecord, journal: Journal, random: Random): Promise<void> {
  while (!record.stopped) {
    await pause(20 + random.below(30));
    const workflowId = random.pick(record.workflowIds) ?? '';
    const answer = only(
      await journal.terminate([{ namespace: NAMESPACE, workflowId, runId: null, reason: 'stress' }]),
    );
    record.count(answer.type);
    if (answer.type === 'terminated') record.terminated.add(answer.runId);
  }
}

export async function rescueWorkers(record: StressRecord, journal: Journal, random: Random): Promise<void> {
  while (!record.stopped) {
    await pause(20 + random.below(40));
    const { deadWorkers, freedActors } = await journal.rescue(NAMESPACE);
    record.count('dead workers', deadWorkers.length);
    record.count('freed actors', freedActors);
  }
}

/** Where the journal's clock stands still by itself, it goes as the world's does. */
export async function moveClock(record: StressRecord): Promise<void> {
  let [stored, real] = [await record.harness.now(), Date.now()];
  while (!record.stopped) {
    await pause(5);
    const now = Date.now();
    if ((await record.harness.now()) - stored < (now - real) / 2) await record.harness.elapse(now - real);
    [stored, real] = [await record.harness.now(), now];
  }
}

/** Delivers what runs send to each other, as every worker does. */
export async function deliverLetters(record: StressRecord, journal: Journal, random: Random): Promise<void> {
  while (!record.stopped) {
    const { done, held } = await journal.deliver(NAMESPACE, 1 + random.below(60));
    record.count('letters delivered', done);
    if (held) record.count('letters held');
    await pause(random.below(12));
  }
}

/** Asks again and again what updates were answered: what somebody was told stays so. */
export async function askForAnswers(record: StressRecord, journal: Journal, random: Random): Promise<void> {
  while (!record.stopped) {
    const updates = [...record.acknowledged].filter(([, { kind }]) => kind === 'update').slice(-200);
    const asked = range(10).flatMap(() => {
      const picked = random.pick(updates);
      return picked === undefined ? [] : [picked];
    });
    await noteAnswers(record, journal, asked);
    await pause(5 + random.below(20));
  }
}

/** What these updates were answered: never anything else than before. */
export async function noteAnswers(
  record: StressRecord,
  journal: Journal,
  updates: readonly (readonly [string, Acknowledged])[],
): Promise<readonly UpdateAnswer[]> {
  const refs = updates.map(([updateId, { workflowId }]) => ({ namespace: NAMESPACE, workflowId, updateId }));
  const answers = await journal.answers(refs);
  answers.forEach((answer, i) => {
    const [updateId] = updates[i]!;
    if (answer.type === 'unknown') record.violated('an acknowledged update is unknown', { updateId });
    if (answer.type === 'open' || answer.type === 'unknown') return;
    const text = JSON.stringify(answer);
    const before = record.seenAnswers.get(updateId) ?? text;
    if (before !== text) record.violated('an update was answered twice', { updateId, before, answer });
    record.seenAnswers.set(updateId, before);
  });
  return answers;
}
