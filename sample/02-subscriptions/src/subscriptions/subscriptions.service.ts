import { Injectable } from '@nestjs/common';
import { WorkflowClient } from 'nestjs-continuum';
import type { WorkflowHandle } from 'nestjs-continuum';
import { AccountWorkflow } from '../accounts/account.workflow.js';
import type { Account } from '../accounts/account.workflow.js';
import { DunningWorkflow } from '../invoices/dunning.workflow.js';
import { Settings } from '../settings.js';
import type { NewSubscription, Plan, SubscriptionStatus } from './subscription.js';
import { SubscriptionWorkflow } from './subscription.workflow.js';

@Injectable()
export class SubscriptionsService {
  constructor(
    private readonly workflows: WorkflowClient,
    private readonly settings: Settings,
  ) {}

  /** Subscribes a customer, and opens an account for one who has none. Asked again it is the same subscription. */
  async subscribe({ customer, plan }: NewSubscription): Promise<{ workflowId: string }> {
    await this.workflows.start(
      AccountWorkflow,
      { customer, paid: 0, open: true },
      { id: `account-${customer}`, onConflict: 'useExisting' },
    );
    const { monthLength, dunningTime } = this.settings;
    const { workflowId } = await this.workflows.start(
      SubscriptionWorkflow,
      { customer, plan, month: 1, monthLength, dunningTime },
      { id: `subscription-${customer}`, onConflict: 'useExisting' },
    );
    return { workflowId };
  }

  status(customer: string): Promise<SubscriptionStatus> {
    return this.#subscription(customer).query('status');
  }

  /** @returns what a month will cost, in cents */
  changePlan(customer: string, plan: Plan): Promise<number> {
    return this.#subscription(customer).update('changePlan', plan);
  }

  async end(customer: string): Promise<void> {
    await this.#subscription(customer).signal('end');
  }

  /** A customer has paid an invoice by hand, whose card was refused. */
  async pay(number: string): Promise<void> {
    await this.workflows.handle(DunningWorkflow, `dunning-${number}`).signal('paid');
  }

  account(customer: string): Promise<Account> {
    return this.workflows.handle(AccountWorkflow, `account-${customer}`).query('balance');
  }

  #subscription(customer: string): WorkflowHandle<SubscriptionWorkflow> {
    return this.workflows.handle(SubscriptionWorkflow, `subscription-${customer}`);
  }
}
