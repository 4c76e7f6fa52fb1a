import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The tables of the shop, with some goods on the shelves. */
export class CreateShop1700000000000 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`
      create table stock (
        sku text primary key,
        available integer not null check (available >= 0)
      )`);
    await runner.query(`insert into stock values ('pen', 50000), ('desk', 50000), ('lamp', 50000)`);
    await runner.query(`
      create table reservations (
        id text primary key,
        order_id text not null,
        items jsonb not null,
        reserved_at timestamptz not null default now(),
        released_at timestamptz
      )`);
    await runner.query(`
      create table ledger (
        id bigint generated always as identity primary key,
        idempotency_key text not null unique,
        order_id text not null,
        customer text not null,
        kind text not null check (kind in ('charge', 'refund')),
        cents bigint not null check (cents > 0),
        booked_at timestamptz not null default now()
      )`);
    await runner.query(`create index on ledger (order_id)`);
    await runner.query(`
      create table approvals (
        order_id text primary key,
        requested_at timestamptz not null default now(),
        approved_by text,
        withdrawn_at timestamptz
      )`);
    await runner.query(`
      create table shipments (
        order_id text primary key,
        tracking uuid not null default gen_random_uuid(),
        shipped_at timestamptz not null default now()
      )`);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table shipments, approvals, ledger, reservations, stock');
  }
}
