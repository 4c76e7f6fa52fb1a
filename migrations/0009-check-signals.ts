import type { MigrationInterface, QueryRunner } from 'typeorm';

const BEFORE = `
  'run_started', 'signal_received', 'cancel_requested', 'timer_fired',
  'activity_scheduled', 'activity_completed', 'activity_failed', 'activity_cancelled',
  'activity_cancel_requested', 'activity_attempt', 'activity_heartbeat',
  'timer_started', 'timer_cancelled', 'side_effect_recorded',
  'rollback_step_added', 'rollback_cleared', 'rollback_started',
  'run_completed', 'run_failed', 'run_cancelled', 'run_terminated'`;
const SINCE = `${BEFORE},
  'signal_check_requested', 'signal_accepted', 'signal_refused'`;

/**
 * Schemas are applied to signals that nobody has checked before: histories tell what they said, and the inbox which
 * messages need none. The check of types is not validated: every row that is there has passed a narrower one, and a scan
 * of a large history would hold up every write.
 */
export const checkSignals = (schema: string) =>
  class CheckSignals implements MigrationInterface {
    readonly name = 'ContinuumCheckSignals1763596800009';

    async up(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(`alter table ${schema}.inbox add column if not exists checked_by text`);
      await queryRunner.query(allowTypes(schema, SINCE));
    }

    async down(queryRunner: QueryRunner): Promise<void> {
      await queryRunner.query(allowTypes(schema, BEFORE));
      await queryRunner.query(`alter table ${schema}.inbox drop column if exists checked_by`);
    }
  };

const allowTypes = (schema: string, types: string): string => `
  alter table ${schema}.history
    drop constraint if exists history_type,
    add constraint history_type check (type in (${types})) not valid`;
