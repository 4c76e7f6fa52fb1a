import { Injectable } from '@nestjs/common';
import { Activity, ActivityContext, Compensate } from 'nestjs-continuum';
import type { DunningCase } from './dunning.workflow.js';
import type { InvoiceRequest, PaidInvoice } from './invoice.workflow.js';

/** Plays the books and a mail server. */
@Injectable()
export class InvoiceActivities {
  /** The number is derived, so that a second attempt writes the same invoice again. */
  @Activity()
  async write({ customer, month, cents }: InvoiceRequest, ctx = ActivityContext.current()): Promise<string> {
    const number = `${customer}-${month}`;
    ctx.logger.log(`Invoice ${number}: ${cents / 100}`);
    return number;
  }

  @Compensate('write')
  async void(number: string): Promise<void> {
    ActivityContext.current().logger.log(`Invoice ${number} is void`);
  }

  @Activity()
  async remind({ customer, number }: DunningCase, reminder: number): Promise<void> {
    ActivityContext.current().logger.log(`Reminder ${reminder} to ${customer}: please pay ${number}`);
  }

  @Activity()
  async receipt({ customer, number }: PaidInvoice): Promise<void> {
    ActivityContext.current().logger.log(`Receipt to ${customer}: ${number} is paid`);
  }
}
