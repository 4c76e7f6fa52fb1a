import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Test } from '@nestjs/testing';
import type { TestingModule } from '@nestjs/testing';
import { ContinuumModule, WorkflowClient } from 'nestjs-continuum';
import {
  AgainWorkflow,
  ApprovalWorkflow,
  Bookings,
  BranchesWorkflow,
  CancelTrip,
  Decided,
  Desk,
  done,
  failures,
  HolidaysWorkflow,
  LoopWorkflow,
  ParallelWorkflow,
  ReminderWorkflow,
  RouteWorkflow,
  StepsWorkflow,
} from './examples/patterns.js';

let app: TestingModule;
let client: WorkflowClient;
beforeAll(async () => {
  app = await Test.createTestingModule({
    imports: [ContinuumModule.forRoot({ journal: 'memory' })],
    providers: [
      Bookings,
      Desk,
      CancelTrip,
      StepsWorkflow,
      ParallelWorkflow,
      BranchesWorkflow,
      RouteWorkflow,
      LoopWorkflow,
      ReminderWorkflow,
      ApprovalWorkflow,
      HolidaysWorkflow,
      AgainWorkflow,
    ],
  }).compile();
  app.useLogger(false);
  await app.init();
  client = app.get(WorkflowClient);
});
afterAll(() => app?.close());
beforeEach(() => {
  done.splice(0);
  failures.clear();
});

const soon = { timeout: '20s' } as const;
const trip = { city: 'Rome', cents: 5_000 };

describe('patterns.md', () => {
  it('step by step: each with its retries, and undone in reverse order', async () => {
    failures.set('flight to Rome', 1);
    expect(await client.execute(StepsWorkflow, trip, soon)).toBe('flight to Rome, room in Rome');
    failures.set('room in Rome', 2);
    await expect(client.execute(StepsWorkflow, trip, soon)).rejects.toMatchObject({ rollback: 'complete' });
    expect(done).toEqual(['flight to Rome', 'room in Rome', 'flight to Rome', 'undo flight to Rome']);
  });

  it('parallel: each branch has its own retries, and what completed beside one that failed is undone', async () => {
    failures.set('room in Rome', 4);
    expect(await client.execute(ParallelWorkflow, trip, soon)).toBe('flight to Rome, room in Rome');
    expect(done.toSorted()).toEqual(['flight to Rome', 'room in Rome']);
    done.splice(0);
    failures.set('flight to Rome', 2);
    await expect(client.execute(ParallelWorkflow, trip, soon)).rejects.toMatchObject({
      rollback: 'complete',
    });
    // It had completed, or was not asked for any more: nothing of it is left.
    expect(done.filter((what) => what === 'room in Rome').length).toBe(
      done.filter((what) => what === 'undo room in Rome').length,
    );
  });

  it('parallel: a branch that fails undoes its own steps, and the others stand', async () => {
    failures.set('room in Oslo', 2);
    expect(await client.execute(BranchesWorkflow, ['Rome', 'Oslo'], soon)).toEqual([
      'flight to Rome, room in Rome',
      'stays at home',
    ]);
    expect(done.filter((what) => what.startsWith('undo'))).toEqual(['undo flight to Oslo']);
  });

  it('route: by what an activity told, and none fails', async () => {
    await client.execute(RouteWorkflow, trip, soon);
    await client.execute(RouteWorkflow, { city: 'Oslo', cents: 50_000 }, soon);
    expect(done).toEqual(['flight to Rome', 'insurance for Oslo', 'flight to Oslo']);
    await expect(
      client.execute(RouteWorkflow, { city: 'Mars', cents: 5_000_000 }, soon),
    ).rejects.toMatchObject({ cause: { message: 'There is no way for absurd trips.' } });
  });

  it('loop: until it is good', async () => {
    expect(await client.execute(LoopWorkflow, 'Rome', soon)).toBe('Rome, remark 1, remark 2');
  });

  it('sleep: for a while, and until a date', async () => {
    const until = new Date(Date.now() + 50);
    await client.execute(ReminderWorkflow, { to: 'ann', after: 10, until }, soon);
    expect(Date.now()).toBeGreaterThanOrEqual(until.getTime());
    expect(done).toEqual(['mail to ann: Soon you leave.', 'mail to ann: You leave today.']);
  });

  it('signal: with its payload, before the wait too, and not for ever', async () => {
    const yes = await client.start(ApprovalWorkflow, { city: 'Rome', patience: 60_000 });
    await yes.signal(Decided, { by: 'ann', yes: true });
    expect(await yes.result(soon)).toBe('room in Rome');
    const no = await client.start(ApprovalWorkflow, { city: 'Oslo', patience: 60_000 });
    await no.signal(Decided, { by: 'bob', yes: false });
    await expect(no.result(soon)).rejects.toMatchObject({ cause: { message: 'bob said no.' } });
    await expect(
      client.execute(ApprovalWorkflow, { city: 'Bonn', patience: 10 }, soon),
    ).rejects.toMatchObject({ cause: { message: 'Nobody decided.' }, rollback: 'complete' });
    expect(done.filter((what) => what.startsWith('undo'))).toEqual([
      'undo room in Oslo',
      'undo room in Bonn',
    ]);
  });

  it('child: its result, and what undoes it as a whole', async () => {
    expect(await client.execute(HolidaysWorkflow, trip, soon)).toBe(
      'flight to Rome, room in Rome, insurance for Rome',
    );
    done.splice(0);
    failures.set('insurance for Rome', 3);
    await expect(client.execute(HolidaysWorkflow, trip, soon)).rejects.toMatchObject({
      rollback: 'complete',
    });
    expect(done).toEqual(['flight to Rome', 'room in Rome', 'cancel the trip: flight to Rome, room in Rome']);
  });

  it('again: a part is undone and tried anew, as often as the code says', async () => {
    failures.set('flight to Rome', 4);
    expect(await client.execute(AgainWorkflow, 'Rome', soon)).toBe('room in Rome, flight to Rome');
    const once = ['room in Rome', 'undo room in Rome'];
    expect(done).toEqual([...once, ...once, 'room in Rome', 'flight to Rome']);
    failures.set('flight to Rome', 6);
    await expect(client.execute(AgainWorkflow, 'Rome', soon)).rejects.toMatchObject({
      cause: { name: 'ActivityFailure' },
    });
  });
});
