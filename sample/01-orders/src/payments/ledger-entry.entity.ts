import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { cents } from '../database/cents.js';

/** Money that moved: to the shop by a charge, back to the customer by a refund. */
@Entity('ledger')
export class LedgerEntry {
  @PrimaryGeneratedColumn('identity', { type: 'bigint' })
  id!: string;

  /** Unique: what is asked for twice under one key is done once. */
  @Column('text', { name: 'idempotency_key', unique: true })
  idempotencyKey!: string;

  @Column('text', { name: 'order_id' })
  orderId!: string;

  @Column('text')
  customer!: string;

  @Column('text')
  kind!: 'charge' | 'refund';

  @Column('bigint', { transformer: cents })
  cents!: number;
}
