import type { MigrationInterface, QueryRunner } from 'typeorm';

/** What is due is taken in the order of its index, so that a portion of it costs the same however much there is. */
export const orderOutbox = (schema: string) =>
  class OrderOutbox implements MigrationInterface {
    readonly name = 'ContinuumOrderOutbox1763596800023';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(
        `create index if not exists outbox_order on ${schema}.outbox (namespace, due_at, id)`,
      );
      await queryRunner.query(`drop index if exists ${schema}.outbox_due`);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(
        `create index if not exists outbox_due on ${schema}.outbox (namespace, due_at)`,
      );
      await queryRunner.query(`drop index if exists ${schema}.outbox_order`);
    }
  };
