import { Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { NonRetryableError } from 'nestjs-continuum';
import { Repository } from 'typeorm';
import { Settings } from '../settings.js';
import { LedgerEntry } from './ledger-entry.entity.js';

type Booking = Pick<LedgerEntry, 'idempotencyKey' | 'orderId' | 'customer' | 'cents'>;

/** Not now; perhaps later. */
export class GatewayUnavailableError extends Error {
  override readonly name = 'GatewayUnavailableError';
}

/** Not now, and not later either. */
export class CardDeclinedError extends NonRetryableError {
  override readonly name = 'CardDeclinedError';
}

/**
 * Plays a card gateway on the other side of a bad network: some requests never arrive, and some answers get lost after
 * the money has moved. Like a real one, it does what has one idempotency key once.
 */
@Injectable()
export class PaymentGateway {
  constructor(
    @InjectRepository(LedgerEntry) private readonly ledger: Repository<LedgerEntry>,
    private readonly settings: Settings,
  ) {}

  /** @throws GatewayUnavailableError, CardDeclinedError */
  async charge(booking: Booking): Promise<{ paymentId: string }> {
    this.#overBadNetwork('The card gateway could not be reached.');
    if (booking.customer === 'broke')
      throw new CardDeclinedError(`The card of "${booking.customer}" was declined.`);
    const paymentId = await this.#book('charge', booking);
    this.#overBadNetwork('The card gateway did not answer.');
    return { paymentId };
  }

  /** @throws GatewayUnavailableError */
  async refund(booking: Booking): Promise<void> {
    this.#overBadNetwork('The card gateway could not be reached.');
    await this.#book('refund', booking);
    this.#overBadNetwork('The card gateway did not answer.');
  }

  async #book(kind: LedgerEntry['kind'], booking: Booking): Promise<string> {
    await this.ledger
      .createQueryBuilder()
      .insert()
      .values({ ...booking, kind })
      .orIgnore()
      .execute();
    const { id } = await this.ledger.findOneByOrFail({ idempotencyKey: booking.idempotencyKey });
    return id;
  }

  /** A request passes here twice: on its way, and on the way back. */
  #overBadNetwork(loss: string): void {
    if (Math.random() < this.settings.gatewayFailures / 2) throw new GatewayUnavailableError(loss);
  }
}
