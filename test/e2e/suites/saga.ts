import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  WorkflowCancelledError,
  WorkflowFailedError,
  WorkflowFailure,
  WorkflowTerminatedError,
} from 'nestjs-continuum';
import type { App, Residency } from '../support/app.js';
import { closeApps, openApp } from '../support/app.js';
import type { Backend } from '../support/backend.js';
import { caught, uniqueId, until } from '../support/helpers.js';
import { BOOKED, Diary, TripWorkflow, tripProviders, UNDONE } from '../support/trip.js';

/** Activities in their three forms, and undoing them in theirs. */
export function describeSaga(backend: Backend, residency: Residency): void {
  describe(`a saga on ${backend.name}, ${residency}`, () => {
    let app: App;
    let diary: Diary;
    beforeAll(async () => {
      app = await openApp({ continuum: await backend.fresh(), residency, providers: tripProviders });
      diary = app.app.get(Diary);
    });
    afterAll(async () => {
      await closeApps();
      await backend.clear();
    });

    /** What was done and undone for the trip that `work` makes. */
    const written = async (work: () => Promise<unknown>): Promise<readonly string[]> => {
      const before = diary.lines.length;
      await work();
      return diary.lines.slice(before);
    };

    it('calls activities as a class, through an injected proxy, and with options of the call', async () => {
      let result: unknown;
      const lines = await written(async () => {
        result = await app.client.execute(TripWorkflow, { to: 'Rome', nights: 2 });
      });
      expect(lines).toEqual(BOOKED);
      // Maps and dates come back as what they were.
      expect(result).toEqual([
        { flight: 'F-Rome' },
        'H-Rome',
        'H-bar',
        new Map([['Rome', new Date(0)]]),
        undefined,
      ]);
    });

    it('records what the schema makes of the input, and each step', async () => {
      const id = uniqueId();
      await app.client.execute(TripWorkflow, { to: 'Rome' }, { id });
      const history = await app.client.handle(id).history();
      expect(history.map(({ seq }) => seq)).toEqual(history.map((_, i) => i + 1));
      expect(history.map(({ entry }) => entry.type)).toEqual([
        'run_started',
        ...Array.from({ length: 4 }, () => ['activity_scheduled', 'activity_completed']).flat(),
        'run_completed',
      ]);
      expect(
        history.flatMap(({ entry }) => (entry.type === 'activity_scheduled' ? [entry] : [])),
      ).toMatchObject([
        {
          name: 'BookFlight',
          args: [{ to: 'Rome', nights: 1, then: 'finish' }],
          compensation: 'CancelFlight',
        },
        { name: 'HotelActivities.book', args: ['Rome', 1], compensation: 'HotelActivities.release' },
        { name: 'HotelActivities.book', args: ['bar', 0], options: { retry: { maxAttempts: 1 } } },
        {
          name: 'rent-car',
          args: ['Rome'],
          compensation: 'RentCar.giveBack',
          options: { timeout: 60_000 },
        },
      ]);
    });

    it('undoes everything in reverse order when the workflow fails', async () => {
      let failure: unknown;
      const lines = await written(async () => {
        failure = await caught(app.client.execute(TripWorkflow, { to: 'Rome', nights: 2, then: 'fail' }));
      });
      expect(lines).toEqual([...BOOKED, ...UNDONE]);
      expect(failure).toBeInstanceOf(WorkflowFailedError);
      expect(failure).toMatchObject({ rollback: 'complete', cause: new WorkflowFailure('it rains') });
      // The class is known here, so it is that class again.
      expect((failure as WorkflowFailedError).cause).toBeInstanceOf(WorkflowFailure);
    });

    it('undoes everything when it is cancelled', async () => {
      const id = uniqueId();
      let failure: unknown;
      const lines = await written(async () => {
        const handle = await app.client.start(TripWorkflow, { to: 'Rome', nights: 2, then: 'wait' }, { id });
        await untilBooked(app, id);
        await handle.cancel({ reason: 'changed plans' });
        failure = await caught(handle.result());
      });
      expect(lines).toEqual([...BOOKED, ...UNDONE]);
      expect(failure).toBeInstanceOf(WorkflowCancelledError);
      expect(failure).toMatchObject({ rollback: 'complete', workflowId: id });
      expect(await app.client.describe(id)).toMatchObject({
        state: 'cancelled',
        closedAt: expect.any(Number),
      });
    });

    it('undoes nothing when it is terminated', async () => {
      const id = uniqueId();
      let failure: unknown;
      const lines = await written(async () => {
        const handle = await app.client.start(TripWorkflow, { to: 'Rome', nights: 2, then: 'wait' }, { id });
        await untilBooked(app, id);
        await handle.terminate({ reason: 'enough' });
        failure = await caught(handle.result());
      });
      expect(lines).toEqual(BOOKED);
      expect(failure).toBeInstanceOf(WorkflowTerminatedError);
      expect(failure).toMatchObject({ reason: 'enough', workflowId: id });
      expect((await app.client.handle(id).history()).at(-1)?.entry).toMatchObject({
        type: 'run_terminated',
        reason: 'enough',
      });
    });
  });
}

async function untilBooked({ client }: App, id: string): Promise<void> {
  const handle = client.handle(TripWorkflow, id);
  await until(async () => (await handle.query('where')) === 'booked');
}
