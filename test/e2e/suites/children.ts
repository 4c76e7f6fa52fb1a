import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Activity,
  CancelledError,
  ChildWorkflowFailure,
  Compensate,
  OnSignal,
  Workflow,
  WorkflowAlreadyStartedError,
  WorkflowContext,
  WorkflowFailure,
} from 'nestjs-continuum';
import type { ChildOptions } from 'nestjs-continuum';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught, uniqueId, until } from '../support/helpers.js';

interface Bill {
  readonly amount: number;
  readonly how?: 'fail' | 'wait' | undefined;
}

@Injectable()
class Ledger {
  readonly lines: string[] = [];
}

@Injectable()
class Books {
  constructor(private readonly ledger: Ledger) {}

  @Activity()
  async note(line: string): Promise<string> {
    this.ledger.lines.push(line);
    return line;
  }

  @Activity()
  async book(line: string): Promise<string> {
    this.ledger.lines.push(line);
    return line;
  }

  @Compensate('book')
  async unbook(line: string): Promise<void> {
    this.ledger.lines.push(`un${line}`);
  }
}

@Injectable()
@Activity()
class Refund {
  constructor(private readonly ledger: Ledger) {}
  async execute({ result, input }: { result: number; input: Bill }): Promise<void> {
    this.ledger.lines.push(`refund ${result} of ${input.amount}`);
  }
}

@Workflow()
class BillWorkflow {
  #paid = false;
  constructor(private readonly books: Books) {}

  @OnSignal()
  pay(): void {
    this.#paid = true;
  }

  async run(ctx: WorkflowContext, { amount, how }: Bill): Promise<number> {
    if (how === 'fail') throw new WorkflowFailure(`cannot bill ${amount}`);
    await this.books.book(`bill ${amount}`);
    if (how === 'wait') await ctx.condition(() => this.#paid);
    return amount * 2;
  }
}

@Workflow()
class UndoBill {
  constructor(private readonly books: Books) {}
  async run(_: WorkflowContext, { result, input }: { result: number; input: Bill }): Promise<void> {
    await this.books.note(`undo ${result} of ${input.amount}`);
  }
}

interface Order {
  readonly bills: readonly Bill[];
  readonly options?: ChildOptions | undefined;
  readonly undo?: 'activity' | 'workflow' | undefined;
  readonly then?: 'fail' | 'wait' | undefined;
}

@Workflow()
class OrderOfBills {
  constructor(private readonly books: Books) {}

  async run(ctx: WorkflowContext, { bills, options, undo, then }: Order): Promise<unknown> {
    const compensate = undo === 'activity' ? Refund : undo === 'workflow' ? UndoBill : undefined;
    await this.books.book('order');
    const results = await Promise.all(
      bills.map((bill) => ctx.child(BillWorkflow, bill, { ...options, ...(compensate && { compensate }) })),
    );
    if (then === 'fail') throw new WorkflowFailure('the order failed');
    if (then === 'wait') await ctx.condition(() => false);
    return results;
  }
}

@Workflow()
class Starter {
  async run(ctx: WorkflowContext, { id, then }: { id?: string; then: string }): Promise<unknown> {
    const bill = await ctx.startChild(BillWorkflow, { amount: 5, how: 'wait' }, { id });
    if (then === 'leave') return [bill.workflowId, bill.runId];
    if (then === 'cancel') bill.cancel();
    if (then === 'timeout') {
      const first = await ctx.withTimeout(20, () => bill.result()).catch((error: Error) => error.name);
      bill.cancel();
      return [first, await bill.result().catch((error: Error) => error.name)];
    }
    return bill.result();
  }
}

@Workflow()
class Account {
  readonly #seen: string[] = [];
  #closed = false;

  @OnSignal()
  note(line: string): void {
    this.#seen.push(line);
  }
  @OnSignal()
  close(): void {
    this.#closed = true;
  }

  async run(ctx: WorkflowContext): Promise<readonly string[]> {
    await ctx.condition(() => this.#closed);
    return this.#seen;
  }
}

@Workflow()
class Clerk {
  async run(ctx: WorkflowContext, account: string): Promise<unknown> {
    const other = ctx.external(Account, account);
    await Promise.all([1, 2, 3].map((n) => other.signal('note', `line ${n}`)));
    await other.signal('close');
    const failed = (error: Error): string => error.name;
    const late = await ctx.external(Account, `${account}/ended`).signal('close').catch(failed);
    const nobody = await ctx.external(Account, `${account}/nobody`).cancel().catch(failed);
    return [late, nobody];
  }
}

/** Pays into an account, which is opened where there is none. */
@Workflow()
class Payer {
  async run(ctx: WorkflowContext, account: string): Promise<unknown> {
    const other = ctx.external(Account, account);
    await Promise.all([1, 2, 3].map((n) => other.signalWithStart(undefined, 'note', `line ${n}`)));
    await other.signal('close');
    return other.workflowId;
  }
}

@Workflow()
class Teller {
  async run(ctx: WorkflowContext, lines: readonly string[]): Promise<readonly string[]> {
    const account = await ctx.startChild(Account, undefined, { id: `${ctx.info.workflowId}/account` });
    for (const line of lines) await account.signal('note', line);
    await account.signal('close');
    return account.result();
  }
}

@Workflow()
class Reporter {
  async run(ctx: WorkflowContext, n: number): Promise<number> {
    // Not awaited: its end must not overtake what it has sent.
    void ctx.external(Boss, ctx.info.parent!.workflowId).signal('report', n);
    return n;
  }
}

@Workflow()
class Boss {
  readonly #reports: number[] = [];
  @OnSignal()
  report(n: number): void {
    this.#reports.push(n);
  }
  async run(ctx: WorkflowContext): Promise<readonly number[]> {
    await Promise.all([1, 2, 3, 4].map((n) => ctx.child(Reporter, n)));
    return this.#reports.toSorted((a, b) => a - b);
  }
}

@Workflow()
class Relative {
  async run(ctx: WorkflowContext, depth: number): Promise<unknown> {
    const { workflowId, parent, root } = ctx.info;
    const self = { workflowId, parent, root };
    return depth === 0 ? [self] : [self, ...((await ctx.child(Relative, depth - 1)) as unknown[])];
  }
}

@Workflow({ runTimeout: 40 })
class Impatient {
  async run(ctx: WorkflowContext): Promise<void> {
    await ctx.sleep('1 hour');
  }
}
@Workflow()
class Patience {
  async run(ctx: WorkflowContext): Promise<void> {
    await ctx.child(Impatient);
  }
}

const providers = [
  Impatient,
  Patience,
  Ledger,
  Books,
  Refund,
  BillWorkflow,
  UndoBill,
  OrderOfBills,
  Starter,
  Account,
  Clerk,
  Payer,
  Teller,
  Reporter,
  Boss,
  Relative,
];

/** Children: started, awaited, cancelled, undone. */
export function describeChildren(backend: Backend, residency: Residency): void {
  describe(`children on ${backend.name}, ${residency}`, () => {
    let app: App;
    let lines: string[];
    beforeAll(async () => {
      app = await openApp({ continuum: await backend.fresh(), residency, providers });
      ({ lines } = app.app.get(Ledger));
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });

    const written = async (work: () => Promise<unknown>): Promise<readonly string[]> => {
      const before = lines.length;
      await work();
      return lines.slice(before);
    };
    const typesOf = async (id: string): Promise<readonly string[]> =>
      (await app.client.handle(id).history()).map(({ entry }) => entry.type);

    it('run beside each other, and their results come back', async () => {
      const bills = [1, 2, 3].map((amount) => ({ amount }));
      expect(await app.client.execute(OrderOfBills, { bills })).toEqual([2, 4, 6]);
    });

    it('are recorded in the parent with their ids, and show whose they are', async () => {
      const id = uniqueId();
      await app.client.execute(
        OrderOfBills,
        { bills: [{ amount: 1 }], options: { id: `${id}/bill` } },
        { id },
      );
      const parent = await app.client.handle(id).describe();
      const child = await app.client.handle(`${id}/bill`).describe();
      const link = { workflowId: id, runId: parent.runId };
      expect(child).toMatchObject({ state: 'completed', lineage: { parent: link, root: link, depth: 1 } });
      expect(parent.lineage).toBeNull();
      const entries = (await app.client.handle(id).history()).map(({ entry }) => entry);
      expect(entries.find(({ type }) => type === 'child_started')).toMatchObject({
        name: 'BillWorkflow',
        workflowId: `${id}/bill`,
        runId: child.runId,
        args: { amount: 1 },
      });
      expect(await typesOf(id)).toEqual([
        'run_started',
        'activity_scheduled',
        'activity_completed',
        'child_started',
        'child_completed',
        'run_completed',
      ]);
    });

    it('end when their time is over, by what their class says or the call, and undo what they did', async () => {
      const bills: readonly Bill[] = [{ amount: 9, how: 'wait' }];
      const outcome = { cause: { name: 'ChildWorkflowFailure', cause: { name: 'TimeoutFailure' } } };
      const timed = () => app.client.execute(OrderOfBills, { bills, options: { executionTimeout: 40 } });
      const did = await written(() => expect(timed()).rejects.toMatchObject(outcome));
      // On a busy machine its time may be over before it has done anything.
      const billed = did.includes('bill 9') ? ['bill 9', 'unbill 9'] : [];
      expect(did).toEqual(['order', ...billed, 'unorder']);
      await expect(app.client.execute(Patience)).rejects.toMatchObject(outcome);
    });

    it('know their parent and the root', async () => {
      const id = uniqueId();
      const handle = await app.client.start(Relative, 2, { id });
      const root = { workflowId: id, runId: handle.runId };
      const [first, second, third] = (await handle.result()) as { workflowId: string; parent: unknown }[];
      expect(first).toEqual({ workflowId: id, parent: null, root });
      expect(second).toMatchObject({ parent: root, root });
      expect(third).toMatchObject({ parent: { workflowId: second!.workflowId }, root });
    });

    it('fail their parent with what failed them', async () => {
      const run = await app.client.start(OrderOfBills, { bills: [{ amount: 7, how: 'fail' }] });
      const { cause } = (await caught(run.result())) as { cause: ChildWorkflowFailure };
      expect(cause).toBeInstanceOf(ChildWorkflowFailure);
      expect(cause).toMatchObject({ workflow: 'BillWorkflow', cause: { message: 'cannot bill 7' } });
      expect(cause.cause).toBeInstanceOf(WorkflowFailure);
    });

    it.each(['activity', 'workflow'] as const)(
      'are undone by their compensation, which is a %s',
      async (undo) => {
        const order = { bills: [{ amount: 4 }], undo, then: 'fail' } as const;
        const undone = await written(async () => caught(app.client.execute(OrderOfBills, order)));
        const by = undo === 'activity' ? 'refund 8 of 4' : 'undo 8 of 4';
        expect(undone).toEqual(['order', 'bill 4', by, 'unorder']);
      },
    );

    it('are cancelled with their parent, and clean up before it does', async () => {
      const id = uniqueId();
      const run = await app.client.start(
        OrderOfBills,
        { bills: [{ amount: 6, how: 'wait' }], options: { id: `${id}/bill` } },
        { id },
      );
      await until(() => lines.includes('bill 6'));
      const undone = await written(async () => {
        await run.cancel();
        await caught(run.result());
      });
      expect(undone).toEqual(['unbill 6', 'unorder']);
      expect(await app.client.handle(`${id}/bill`).describe()).toMatchObject({ state: 'cancelled' });
      expect(await typesOf(id)).toEqual(
        expect.arrayContaining(['child_cancel_requested', 'child_cancelled']),
      );
    });

    it('are told of as terminated', async () => {
      const id = uniqueId();
      const run = await app.client.start(Starter, { id: `${id}/bill`, then: 'await' }, { id });
      await until(async () => (await typesOf(id)).includes('child_accepted'));
      await app.client.handle(`${id}/bill`).terminate({ reason: 'enough' });
      const { cause } = (await caught(run.result())) as { cause: ChildWorkflowFailure };
      expect(cause).toBeInstanceOf(ChildWorkflowFailure);
      expect(cause.cause).toBeInstanceOf(CancelledError);
      expect(cause.cause).toMatchObject({ reason: 'enough' });
    });

    it('cannot have a workflow id that is taken', async () => {
      const taken = uniqueId();
      await app.client.start(OrderOfBills, { bills: [], then: 'wait' }, { id: taken });
      for (const run of [
        await app.client.start(OrderOfBills, { bills: [{ amount: 1 }], options: { id: taken } }),
        await app.client.start(Starter, { id: taken, then: 'await' }),
      ]) {
        const { cause } = (await caught(run.result())) as { cause: Error };
        expect(cause).toBeInstanceOf(WorkflowAlreadyStartedError);
        expect(cause).toMatchObject({ workflowId: taken });
      }
      await app.client.handle(taken).terminate();
    });

    it('have a handle, which asks them to cancel and waits in any scope', async () => {
      expect(await app.client.execute(Starter, { then: 'timeout' })).toEqual([
        'TimeoutFailure',
        'ChildWorkflowFailure',
      ]);
      const run = await app.client.start(Starter, { then: 'cancel' });
      const { cause } = (await caught(run.result())) as { cause: Error };
      expect(cause).toBeInstanceOf(ChildWorkflowFailure);
    });

    it('are signalled by their handle', async () => {
      expect(await app.client.execute(Teller, ['a', 'b', 'c'])).toEqual(['a', 'b', 'c']);
    });

    it('are not overtaken by their end in what they send to their parent', async () => {
      expect(await app.client.execute(Boss)).toEqual([1, 2, 3, 4]);
    });

    it('are not needed to reach others: signals arrive once and in order, and nobody there is an error', async () => {
      const id = uniqueId();
      const account = await app.client.start(Account, undefined, { id });
      const ended = await app.client.start(Account, undefined, { id: `${id}/ended` });
      await ended.signal('close');
      await ended.result();
      expect(await app.client.execute(Clerk, id)).toEqual([
        'WorkflowNotRunningError',
        'WorkflowNotFoundError',
      ]);
      expect(await account.result()).toEqual(['line 1', 'line 2', 'line 3']);
    });

    it('and others may be started by a signal, once, and again when that run has ended', async () => {
      const id = uniqueId();
      const account = app.client.handle(Account, id);
      for (const times of [1, 2]) {
        const payer = await app.client.start(Payer, id);
        expect(await payer.result()).toBe(id);
        expect(await account.result()).toEqual(['line 1', 'line 2', 'line 3']);
        expect(await app.client.count({ id })).toBe(times);
        expect(await account.describe()).toMatchObject({ lineage: null, workflow: 'Account' });
        const sent = (await payer.history()).flatMap(({ entry }) =>
          entry.type === 'message_sent' && entry.start ? [entry.start.runId] : [],
        );
        expect(sent).toContain((await account.describe()).runId);
      }
    });

    it('by the hundred all come back', async () => {
      const bills = Array.from({ length: 100 }, (_, amount) => ({ amount }));
      const results = await app.client.execute(OrderOfBills, { bills });
      expect(results).toEqual(bills.map(({ amount }) => amount * 2));
    }, 60_000);

    it('that are under way when their parent completes are asked to cancel', async () => {
      const id = uniqueId();
      const result = await app.client.execute(Starter, { id, then: 'leave' });
      const bill = app.client.handle(id);
      expect(result).toEqual([id, (await bill.describe()).runId]);
      await caught(bill.result());
      expect(await bill.describe()).toMatchObject({ state: 'cancelled' });
    });

    it.each([
      ['cancel', 'cancelled'],
      ['terminate', 'terminated'],
      ['abandon', 'completed'],
    ] as const)('of a terminated parent end by their parentClose: %s', async (parentClose, state) => {
      const id = uniqueId();
      const options = { id: `${id}/bill`, parentClose };
      const run = await app.client.start(
        OrderOfBills,
        { bills: [{ amount: 9, how: 'wait' }], options },
        { id },
      );
      await until(async () => (await typesOf(id)).includes('child_started'));
      await run.terminate();
      const bill = app.client.handle(BillWorkflow, `${id}/bill`);
      if (parentClose === 'abandon') await bill.signal('pay');
      await bill.result().catch(() => null);
      expect(await bill.describe()).toMatchObject({ state });
    });
  });
}
