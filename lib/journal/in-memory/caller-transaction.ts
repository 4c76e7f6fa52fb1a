import { ContentionError } from '../errors.js';
import type { Message, SendAnswer, StartAnswer, StartRequest, Transaction } from '../port/index.js';
import { openTransactionOf, whenEnded } from '../open-transaction.js';
import type { OpenTransaction } from '../open-transaction.js';
import type { InMemoryStore, Lockable } from './in-memory-store.js';
import { sendMessage, targetOf } from './send-message.js';
import { startNeeds, startRun } from './start-runs.js';
import type { RowLock } from './row-lock.js';

/**
 * What one transaction of an application has asked of the store. Each call is answered at once and written at the commit. Its
 * rows stay locked until then, so that the answer is still true when it is written.
 */
interface Participant {
  readonly asked: Written[];
  readonly holds: Set<RowLock>;
  waitsFor: RowLock | null;
}

interface Written {
  readonly namespace: string;
  readonly workflowId: string;
  readonly work: (store: InMemoryStore) => unknown;
}

interface Asked<T> extends Written {
  readonly work: (store: InMemoryStore) => T;
  /** The rows it needs: they must not be locked by another transaction. */
  readonly needs: () => readonly Lockable[];
  /** Whether it has written something that must be written again at the commit. */
  readonly writes: (answer: T) => boolean;
}

/** Starts within the caller's transaction. It waits for transactions that have locked the workflow id, or a run that is to be closed. */
export async function startWithin(
  store: InMemoryStore,
  within: Transaction,
  requests: readonly StartRequest[],
): Promise<readonly StartAnswer[]> {
  return await takePart(
    store,
    within,
    requests.map((request) => ({
      ...request,
      needs: () => startNeeds(store, request),
      work: (to: InMemoryStore): StartAnswer => startRun(to, request),
      writes: ({ type }: StartAnswer) => type === 'started' || type === 'debounced',
    })),
  );
}

/** Sends within the caller's transaction; the targets stay held until its end. */
export async function sendWithin(
  store: InMemoryStore,
  within: Transaction,
  messages: readonly Message[],
): Promise<readonly SendAnswer[]> {
  return await takePart(
    store,
    within,
    messages.map((message) => ({
      ...message,
      needs: () => {
        const target = targetOf(store, message);
        return target === undefined ? [] : [target];
      },
      work: (to: InMemoryStore): SendAnswer => sendMessage(to, message),
      writes: ({ type }: SendAnswer) => type === 'accepted',
    })),
  );
}

async function takePart<T>(
  store: InMemoryStore,
  { manager, onCommit }: Transaction,
  all: readonly Asked<T>[],
): Promise<readonly T[]> {
  const transaction = openTransactionOf(manager);
  const participant = participantOf(store, transaction);
  const answers: T[] = [];
  const taken: (() => void)[] = [];
  try {
    for (const asked of all) {
      // Synchronously after the last look at the locks, so that no other transaction can take them first.
      for (let lock = lockOfOthers(participant, asked); lock; lock = lockOfOthers(participant, asked)) {
        refuseDeadlock(store, participant, lock, asked.workflowId);
        participant.waitsFor = lock;
        await lock.released();
        participant.waitsFor = null;
      }
      // The transaction may have ended meanwhile, if its owner did not await this call.
      openTransactionOf(manager);
      const { answer, forget } = decide(store, transaction, participant, asked);
      answers.push(answer);
      taken.push(forget);
    }
  } catch (error) {
    // All or nothing, and the transaction goes on as it was.
    for (const forget of taken) forget();
    throw error;
  }
  if (onCommit !== undefined) whenEnded(transaction, { committed: onCommit });
  return answers;
}

const lockOfOthers = (
  participant: Participant,
  { needs }: { readonly needs: () => readonly Lockable[] },
): RowLock | undefined => foreign(participant, needs()).find((lock) => lock.held);

/** Looks, and holds what it has looked at, in one go. */
function decide<T>(
  store: InMemoryStore,
  transaction: OpenTransaction,
  participant: Participant,
  asked: Asked<T>,
): { readonly answer: T; readonly forget: () => void } {
  const { namespace, workflowId, needs, work, writes } = asked;
  const view = store.copyOf(namespace, workflowId);
  for (const earlier of participant.asked) {
    if (earlier.namespace === namespace && earlier.workflowId === workflowId) earlier.work(view);
  }
  const answer = work(view);
  if (!writes(answer)) return { answer, forget: () => undefined };

  const locks = foreign(participant, needs());
  const releases = locks.map((lock) => lock.take());
  for (const lock of locks) participant.holds.add(lock);
  participant.asked.push(asked);
  const forget = (): void => {
    if (!participant.asked.includes(asked)) return;
    participant.asked.splice(participant.asked.indexOf(asked), 1);
    for (const lock of locks) participant.holds.delete(lock);
    for (const release of releases) release();
  };
  whenEnded(transaction, {
    committed: () => {
      if (!participant.asked.includes(asked)) return;
      forget();
      work(store);
    },
    rolledBack: forget,
  });
  return { answer, forget };
}

const foreign = ({ holds }: Participant, needed: readonly Lockable[]): readonly RowLock[] =>
  needed.map(({ lock }) => lock).filter((lock) => !holds.has(lock));

/** Two transactions that wait for each other would wait for ever: the one that closes the circle is told, as Postgres does. */
function refuseDeadlock(
  store: InMemoryStore,
  participant: Participant,
  wanted: RowLock,
  workflowId: string,
): void {
  const all = [...(participants.get(store)?.values() ?? [])];
  let lock: RowLock | null = wanted;
  while (lock !== null) {
    const sought: RowLock = lock;
    const holder = all.find(({ holds }) => holds.has(sought));
    if (holder === participant) {
      throw new ContentionError(
        `Two transactions wait for each other's workflows, among them "${workflowId}". Start and signal in the same ` +
          `order in all transactions, or try this one again.`,
      );
    }
    lock = holder?.waitsFor ?? null;
  }
}

/** Of the transactions that are open. */
const participants = new WeakMap<InMemoryStore, Map<object, Participant>>();

function participantOf(store: InMemoryStore, { runner, dataSource }: OpenTransaction): Participant {
  const ofStore = participants.get(store) ?? new Map<object, Participant>();
  participants.set(store, ofStore);
  const known = ofStore.get(runner);
  if (known !== undefined) return known;
  const participant: Participant = { asked: [], holds: new Set(), waitsFor: null };
  ofStore.set(runner, participant);
  const gone = (): void => void ofStore.delete(runner);
  whenEnded({ runner, dataSource }, { committed: gone, rolledBack: gone });
  return participant;
}
