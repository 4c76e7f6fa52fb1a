import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * History: append-only. `payload` is a value exactly as the codec wrote it (json keeps the text, and takes what jsonb
 * refuses); `facts` are the remaining fields of an entry, where it has any.
 */
export const createHistory = (schema: string) =>
  class CreateHistory implements MigrationInterface {
    readonly name = 'ContinuumCreateHistory1763596800003';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`
        create table if not exists ${schema}.history (
          run_id uuid not null,
          seq integer not null,
          type text not null,
          command_id integer,
          name text,
          payload json,
          facts json,
          at timestamp with time zone not null,
          constraint history_pkey primary key (run_id, seq),
          constraint history_seq check (seq > 0),
          constraint history_type check (type in (
            'run_started', 'signal_received', 'cancel_requested', 'timer_fired',
            'activity_scheduled', 'activity_completed', 'activity_failed', 'activity_cancelled',
            'activity_cancel_requested', 'activity_attempt', 'activity_heartbeat',
            'timer_started', 'timer_cancelled', 'side_effect_recorded',
            'rollback_step_added', 'rollback_cleared', 'rollback_started',
            'run_completed', 'run_failed', 'run_cancelled', 'run_terminated'
          ))
        )
      `);
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`drop table if exists ${schema}.history`);
    }
  };
