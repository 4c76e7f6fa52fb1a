import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import type { Account } from '../accounts/account.workflow.js';
import { newSubscription, planChange } from './subscription.js';
import type { NewSubscription, Plan, SubscriptionStatus } from './subscription.js';
import { SubscriptionsService } from './subscriptions.service.js';

@Controller()
export class SubscriptionsController {
  constructor(private readonly subscriptions: SubscriptionsService) {}

  @Post('subscriptions')
  @HttpCode(202)
  subscribe(@Body({ schema: newSubscription }) wanted: NewSubscription): Promise<{ workflowId: string }> {
    return this.subscriptions.subscribe(wanted);
  }

  @Get('subscriptions/:customer')
  status(@Param('customer') customer: string): Promise<SubscriptionStatus> {
    return this.subscriptions.status(customer);
  }

  /** Answers what the plan will cost; 422 where the subscription refuses it. */
  @Post('subscriptions/:customer/plan')
  @HttpCode(200)
  async changePlan(
    @Param('customer') customer: string,
    @Body({ schema: planChange }) { plan }: { plan: Plan },
  ): Promise<{ cents: number }> {
    return { cents: await this.subscriptions.changePlan(customer, plan) };
  }

  @Post('subscriptions/:customer/end')
  @HttpCode(202)
  end(@Param('customer') customer: string): Promise<void> {
    return this.subscriptions.end(customer);
  }

  @Post('invoices/:number/pay')
  @HttpCode(202)
  pay(@Param('number') number: string): Promise<void> {
    return this.subscriptions.pay(number);
  }

  @Get('accounts/:customer')
  account(@Param('customer') customer: string): Promise<Account> {
    return this.subscriptions.account(customer);
  }
}
