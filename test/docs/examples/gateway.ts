import { randomUUID } from 'node:crypto';

export interface Order {
  readonly id: string;
  readonly card: string;
  readonly cents: number;
}

/** A card gateway: what has one key is charged once. */
class Gateway {
  readonly charged = new Map<string, string>();
  readonly refunded = new Set<string>();

  async charge(_card: string, _cents: number, key: string): Promise<string> {
    const paymentId = this.charged.get(key) ?? randomUUID();
    this.charged.set(key, paymentId);
    return paymentId;
  }

  async refund(paymentId: string): Promise<void> {
    this.refunded.add(paymentId);
  }
}

export const gateway = new Gateway();
