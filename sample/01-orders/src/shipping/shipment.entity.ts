import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('shipments')
export class Shipment {
  @PrimaryColumn('text', { name: 'order_id' })
  orderId!: string;

  @Column('uuid', { default: () => 'gen_random_uuid()' })
  tracking!: string;
}
