import { Column, Entity, PrimaryColumn } from 'typeorm';

@Entity('stock')
export class StockItem {
  @PrimaryColumn('text')
  sku!: string;

  @Column('integer')
  available!: number;
}
