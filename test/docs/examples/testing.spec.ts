import { expect, it, jest } from '@jest/globals';
import { Test } from '@nestjs/testing';
import { ActivityContext, ContinuumModule, WorkflowClient, WorkflowFailedError } from 'nestjs-continuum';
import { Cards } from './activities.js';
import { Mails, WelcomeWorkflow } from './first-workflow.js';
import { AppModule, ContinuumSettings } from './settings.js';
import { diary, BookFlight, Hotels, SendApology, TripWorkflow } from './rollback.js';

it('releases the room when there is no flight', async () => {
  const module = await Test.createTestingModule({
    imports: [ContinuumModule.forRoot({ journal: 'memory' })],
    providers: [TripWorkflow, Hotels, BookFlight, SendApology],
  }).compile();
  const app = await module.init();

  const trip = app.get(WorkflowClient).execute(TripWorkflow, 'Atlantis', { timeout: '10s' });
  await expect(trip).rejects.toThrow(WorkflowFailedError);
  expect(diary.slice(-4)).toEqual([
    'book Atlantis',
    'fly to Atlantis',
    'release room in Atlantis, Atlantis',
    'apologise for Atlantis',
  ]);

  await app.close();
});

it('tests a whole application without its database', async () => {
  const module = await Test.createTestingModule({ imports: [AppModule] })
    .overrideProvider(ContinuumSettings)
    .useValue({ createContinuumOptions: () => ({ journal: 'memory' }) })
    .compile();
  module.useLogger(false);
  const app = await module.init();
  const sent = new Promise<string>((resolve) => {
    jest.spyOn(app.get(Mails), 'send').mockImplementationOnce(async (to) => resolve(to));
  });

  const welcome = await app.get(WorkflowClient).start(WelcomeWorkflow, 'ann@example.org');
  expect(await sent).toBe('ann@example.org');
  await welcome.terminate();

  await app.close();
});

it('charges under the idempotency key', async () => {
  const logger = { log() {}, warn() {}, error() {}, debug() {} };
  const context = { idempotencyKey: 'key-1', attempt: 1, logger } as unknown as ActivityContext;
  const charge = () => new Cards().charge({ id: '1', card: 'visa', cents: 100 });
  const [first, second] = await Promise.all([
    ActivityContext.run(context, charge),
    ActivityContext.run(context, charge),
  ]);
  expect(first).toBe(second);
});
