import { describe, expect, it } from '@jest/globals';
import { uuidv7 } from 'uuidv7';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import type { Journal, StartRequest } from '../../lib/journal/index.js';
import { ContentionError, JournalUnavailableError, asRunId } from '../../lib/journal/index.js';
import { type JournalHarness, ManualClock, describeJournalContract } from '../../lib/testing/index.js';

/** As much of TypeORM as the journal looks at: the ends of transactions are told as TypeORM tells them. */
class FakeDataSource {
  readonly subscribers: Readonly<
    Record<string, ((event: { queryRunner: FakeRunner }) => void) | undefined>
  >[] = [];

  tell(name: string, queryRunner: FakeRunner): void {
    for (const subscriber of this.subscribers) subscriber[name]?.({ queryRunner });
  }
}

class FakeRunner {
  transactionDepth = 0;
  readonly manager: { readonly queryRunner: FakeRunner; readonly dataSource: FakeDataSource };
  constructor(readonly dataSource: FakeDataSource) {
    this.manager = { queryRunner: this, dataSource };
  }

  get isTransactionActive(): boolean {
    return this.transactionDepth > 0;
  }
  begin(): void {
    this.transactionDepth++;
    this.dataSource.tell('afterTransactionStart', this);
  }
  end(how: 'commit' | 'roll back'): void {
    this.transactionDepth--;
    this.dataSource.tell(how === 'commit' ? 'afterTransactionCommit' : 'afterTransactionRollback', this);
  }
}

async function makeHarness(): Promise<JournalHarness> {
  const clock = new ManualClock();
  const store = new InMemoryStore({ clock: clock.now });
  const dataSource = new FakeDataSource();
  const journals: InMemoryJournal[] = [];
  const opened = async (): Promise<InMemoryJournal> => {
    const journal = new InMemoryJournal(store);
    await journal.open();
    journals.push(journal);
    return journal;
  };
  return {
    journal: await opened(),
    second: opened,
    now: async () => clock.now(),
    elapse: async (ms) => clock.advance(ms),
    killWorker: async (owner) => store.killProcess(owner),
    holdActor: async (actorId) => {
      const release = await store.holdActor(actorId);
      return async () => release();
    },
    transaction: async (work, end, onCommit) => {
      const runner = new FakeRunner(dataSource);
      runner.begin();
      await work({ manager: runner.manager, ...(onCommit === undefined ? {} : { onCommit }) });
      runner.end(end);
    },
    dispose: async () => void (await Promise.all(journals.map((journal) => journal.close()))),
  };
}

const startOf = (workflowId: string): StartRequest => ({
  runId: asRunId(uuidv7()),
  namespace: 'test',
  workflowId,
  workflow: 'order',
  version: 1,
  priority: 2,
  input: '1',
  startAt: null,
  onConflict: 'fail',
  onReuse: 'allow',
  attributes: null,
  first: null,
});

const started = async (journal: Journal, request: StartRequest): Promise<string | undefined> =>
  (await journal.start([request]))[0]?.type;

describeJournalContract('InMemoryJournal', makeHarness, { describe, it, expect });

describe('what is peculiar to InMemoryJournal', () => {
  it('writes what a nested transaction asked for when the outer one commits, and forgets what was rolled back', async () => {
    const harness = await makeHarness();
    const { journal } = harness;
    const runner = new FakeRunner(new FakeDataSource());
    const within = { manager: runner.manager };
    const start = async (workflowId: string): Promise<string | undefined> =>
      (await journal.start([startOf(workflowId)], { within }))[0]?.type;
    runner.begin();
    expect(await start('outer')).toBe('started');
    runner.begin();
    expect(await start('outer')).toBe('conflict');
    expect(await start('forgotten')).toBe('started');
    runner.end('roll back');
    expect(await started(journal, startOf('forgotten'))).toBe('started');
    runner.begin();
    expect(await start('nested')).toBe('started');
    runner.end('commit');
    expect(await journal.count({ namespace: 'test' })).toBe(1);
    expect(await started(journal, startOf('nested'))).toBe('again');
    runner.end('commit');
    expect(await started(journal, startOf('nested'))).toBe('conflict');
    expect(await journal.count({ namespace: 'test' })).toBe(3);
    await harness.dispose();
  });

  it('frees what a transaction held whose end nobody saw, when the connection begins the next', async () => {
    const harness = await makeHarness();
    const { journal } = harness;
    const runner = new FakeRunner(new FakeDataSource());
    runner.begin();
    await journal.start([startOf('lost')], { within: { manager: runner.manager } });
    expect(await started(journal, startOf('lost'))).toBe('again');
    runner.transactionDepth = 0;
    runner.begin();
    expect(await started(journal, startOf('lost'))).toBe('started');
    await harness.dispose();
  });

  it('tells the one of two transactions that closes a circle of waiting', async () => {
    const harness = await makeHarness();
    const { journal } = harness;
    const [one, two] = [new FakeRunner(new FakeDataSource()), new FakeRunner(new FakeDataSource())];
    one.begin();
    two.begin();
    const start = (id: string, { manager }: FakeRunner): Promise<readonly { type: string }[]> =>
      journal.start([startOf(id)], { within: { manager } });
    await start('a', one);
    await start('b', two);
    const waiting = start('b', one);
    const closing = await start('a', two).catch((error: unknown) => error);
    expect(closing).toBeInstanceOf(ContentionError);
    two.end('roll back');
    expect(await waiting).toMatchObject([{ type: 'started' }]);
    one.end('commit');
    expect(await journal.count({ namespace: 'test' })).toBe(2);
    await harness.dispose();
  });

  it('is unavailable before it is opened and after it was closed', async () => {
    const journal = new InMemoryJournal();
    await expect(journal.rescue('default')).rejects.toBeInstanceOf(JournalUnavailableError);
    await journal.open();
    expect(await journal.rescue('default')).toEqual({ deadWorkers: [], freedActors: 0, blocked: [] });
    await journal.close();
    await expect(journal.rescue('default')).rejects.toMatchObject({ ambiguous: false });
  });

  it('goes by the clock of the machine when it is given none', async () => {
    const store = new InMemoryStore();
    const before = Date.now();
    expect(store.now()).toBeGreaterThanOrEqual(before);
  });
});
