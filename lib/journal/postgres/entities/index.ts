/** The tables, as entities of TypeORM: lists are read through them, and a spec compares them with the migrations. */
import type { EntitySchema } from 'typeorm';
import { actorEntity } from './actor.entity.js';
import { callbackEntity } from './callback.entity.js';
import { historyEntity } from './history.entity.js';
import { inboxMessageEntity } from './inbox-message.entity.js';
import { messageIdEntity } from './message-id.entity.js';
import { operationEntity } from './operation.entity.js';
import { outboxEntity } from './outbox.entity.js';
import { runEntity } from './run.entity.js';
import { updateEntity } from './update.entity.js';
import { workerEntity } from './worker.entity.js';

/** Every table of the journal, in a schema. */
export const entitiesOf = (schema: string): EntitySchema[] => [
  actorEntity(schema),
  runEntity(schema),
  historyEntity(schema),
  inboxMessageEntity(schema),
  messageIdEntity(schema),
  operationEntity(schema),
  outboxEntity(schema),
  updateEntity(schema),
  callbackEntity(schema),
  workerEntity(schema),
];

/** Names of the entities, for repositories. */
export const ACTOR = 'ContinuumActor';
export const WORKER = 'ContinuumWorker';
export const RUN = 'ContinuumRun';
export const HISTORY = 'ContinuumHistory';
export type { Actor } from './actor.entity.js';
export type { Run } from './run.entity.js';
