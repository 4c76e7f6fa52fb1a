import { Injectable } from '@nestjs/common';
import { Activity } from 'nestjs-continuum';

/** Plays a card gateway. Customers called `broke…` have no money. */
@Injectable()
export class CardActivities {
  /** @returns whether the card was charged */
  @Activity()
  async charge(customer: string, cents: number): Promise<boolean> {
    return cents === 0 || !customer.startsWith('broke');
  }
}
