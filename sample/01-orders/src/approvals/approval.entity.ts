import { Column, CreateDateColumn, Entity, PrimaryColumn } from 'typeorm';

/** That somebody should look at an order. It is open until it is approved or withdrawn. */
@Entity('approvals')
export class Approval {
  @PrimaryColumn('text', { name: 'order_id' })
  orderId!: string;

  @CreateDateColumn({ type: 'timestamptz', name: 'requested_at' })
  requestedAt!: Date;

  @Column('text', { name: 'approved_by', nullable: true })
  approvedBy!: string | null;

  @Column('timestamptz', { name: 'withdrawn_at', nullable: true })
  withdrawnAt!: Date | null;
}
