import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Injectable } from '@nestjs/common';
import {
  Activity,
  Compensate,
  InvalidInputError,
  OnSignal,
  Workflow,
  WorkflowContext,
  WorkflowTimedOutError,
} from 'nestjs-continuum';
import type { RunDescription } from 'nestjs-continuum';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught } from '../support/helpers.js';

@Injectable()
export class Rooms {
  readonly undone: string[] = [];
  @Activity() async book(room: string): Promise<string> {
    return room;
  }
  @Compensate('book') async release(room: string): Promise<void> {
    this.undone.push(room);
  }
}

@Workflow({ name: 'patient' })
export class PatientWorkflow {
  private asked = false;
  constructor(private readonly rooms: Rooms) {}

  @OnSignal() ask(): void {
    this.asked = true;
  }
  async run(ctx: WorkflowContext, room?: string): Promise<string> {
    if (room !== undefined) await this.rooms.book(room);
    await ctx.condition(() => this.asked);
    return 'asked';
  }
}

@Workflow({ name: 'impatient', executionTimeout: 40, runTimeout: '1 hour' })
export class ImpatientWorkflow extends PatientWorkflow {}

/** Each run takes the first of some limits for the next one (`-`: none), and the last one waits, or is done. */
@Workflow({ name: 'relay', runTimeout: '1 hour' })
export class RelayWorkflow extends PatientWorkflow {
  override async run(ctx: WorkflowContext, limits = ''): Promise<string> {
    const [first, ...others] = limits.split(' ');
    if (first === 'done') return first;
    if (!first) return super.run(ctx);
    const options = first === '-' ? {} : { runTimeout: Number(first) };
    return ctx.continueAsNew(RelayWorkflow, others.join(' '), options);
  }
}

/** The limit counts from the moment at which the database begins to write the start. */
const within = ({ startedAt, deadlineAt }: RunDescription, limit: number): boolean =>
  deadlineAt! <= startedAt + limit && deadlineAt! > startedAt + limit - 5_000;

/** A run that does not end in time. */
export function describeDeadlines(backend: Backend, residency: Residency): void {
  describe(`time limits on ${backend.name}, ${residency}`, () => {
    let app: App;
    beforeAll(async () => {
      app = await openApp({
        continuum: await backend.fresh(),
        residency,
        providers: [Rooms, PatientWorkflow, ImpatientWorkflow, RelayWorkflow],
      });
      await app.events.until('worker started');
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });

    it('is cancelled, undone, and ends timed out, never early', async () => {
      const handle = await app.client.start(PatientWorkflow, 'attic', { runTimeout: 1_000 });
      const error = await caught(handle.result());
      expect(error).toBeInstanceOf(WorkflowTimedOutError);
      expect(error).toMatchObject({
        rollback: 'complete',
        status: 422,
        cause: { name: 'CancelledError', reason: 'timed out' },
      });
      expect(app.app.get(Rooms).undone).toContain('attic');
      const run = await handle.describe();
      expect(run.state).toBe('timed_out');
      expect(within(run, 1_000)).toBe(true);
      const passed = (await handle.history()).find(({ entry }) => entry.type === 'deadline_passed');
      expect(passed?.entry).toMatchObject({ deadlineAt: run.deadlineAt, whose: 'run' });
      expect(passed!.entry.at).toBeGreaterThanOrEqual(run.deadlineAt!);
      expect(await app.client.count({ state: 'timed_out', id: handle.workflowId })).toBe(1);
    });

    it('a run that continues may give the next one another limit', async () => {
      const handle = await app.client.start(RelayWorkflow, '300');
      expect(await caught(handle.result())).toBeInstanceOf(WorkflowTimedOutError);
      const last = await handle.describe();
      expect(last.runId).not.toBe(handle.runId);
      expect(last.deadlineAt).toBeLessThanOrEqual(last.startedAt + 1_000);
    });

    it('which the runs after it have, too', async () => {
      const handle = await app.client.start(RelayWorkflow, '7200000 - done');
      expect(await handle.result()).toBe('done');
      expect(within(await handle.describe(), 7_200_000)).toBe(true);
    });

    it('the limit of the class counts, and a start may say otherwise', async () => {
      const short = await app.client.start(ImpatientWorkflow);
      expect(await caught(short.result())).toBeInstanceOf(WorkflowTimedOutError);
      const passed = (await short.history()).find(({ entry }) => entry.type === 'deadline_passed');
      expect(passed?.entry).toMatchObject({ whose: 'chain' });
      const long = await app.client.start('impatient', undefined, { executionTimeout: '1 day' });
      expect(within(await long.describe(), 3_600_000)).toBe(true);
      await long.signal('ask');
      expect(await long.result()).toBe('asked');
    });

    it('counts from startAt', async () => {
      const startAt = new Date(Date.now() + 3_600_000);
      const handle = await app.client.start(PatientWorkflow, undefined, { startAt, executionTimeout: '1m' });
      expect((await handle.describe()).deadlineAt).toBe(startAt.getTime() + 60_000);
      await handle.cancel();
      expect(await caught(handle.result())).toMatchObject({ name: 'WorkflowCancelledError' });
    });

    it.each([0, -1, 'soon', Number.NaN])('%s is refused as a limit', async (runTimeout) => {
      const options = { runTimeout: runTimeout as number };
      const error = await caught(app.client.start(PatientWorkflow, undefined, options));
      expect(error).toBeInstanceOf(InvalidInputError);
      expect((error as Error).message).toContain('runTimeout');
    });
  });
}
