import type { MigrationInterface, QueryRunner } from 'typeorm';

const BEFORE = `'cancel', 'terminate', 'child_end', 'parent_closed', 'signal', 'message_result'`;

/** A signal from a run may start the run that it is for. `start` is what is started; null of everything else. */
export const startBySignal = (schema: string) =>
  class StartBySignal implements MigrationInterface {
    readonly name = 'ContinuumStartBySignal1763596800026';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`alter table ${schema}.outbox add column if not exists start json`);
      await queryRunner.query(allowLetters(schema, `${BEFORE}, 'signal_with_start'`));
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(allowLetters(schema, BEFORE));
      await queryRunner.query(`alter table ${schema}.outbox drop column if exists start`);
    }
  };

const allowLetters = (schema: string, kinds: string): string => `
  alter table ${schema}.outbox
    drop constraint if exists outbox_kind,
    add constraint outbox_kind check (kind in (${kinds})) not valid`;
