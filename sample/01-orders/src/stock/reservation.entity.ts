import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('reservations')
export class Reservation {
  /** The idempotency key of the activity that made it: a second attempt finds what the first one did. */
  @PrimaryColumn('text')
  id!: string;

  @Column('text', { name: 'order_id' })
  orderId!: string;

  @Column('jsonb')
  items!: ReservedItem[];

  @Column('timestamptz', { name: 'released_at', nullable: true })
  releasedAt!: Date | null;
}

export interface ReservedItem {
  readonly sku: string;
  readonly quantity: number;
}
