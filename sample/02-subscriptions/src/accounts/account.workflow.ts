import { OnQuery, OnSignal, RunInput, Workflow } from 'nestjs-continuum';
import type { WorkflowContext } from 'nestjs-continuum';

export interface Account {
  readonly customer: string;
  /** In cents. */
  readonly paid: number;
  readonly open: boolean;
}

/** After so many payments an account goes on with a fresh history. */
const PAYMENTS_A_RUN = 100;

/** What a customer has paid over all subscriptions. Subscriptions tell it by signals: it is a workflow of its own. */
@Workflow({ name: 'account' })
export class AccountWorkflow {
  private paid: number;
  private payments = 0;
  private closed = false;

  constructor(@RunInput() private readonly account: Account) {
    this.paid = account.paid;
  }

  @OnSignal()
  invoicePaid(cents: number): void {
    this.paid += cents;
    this.payments++;
  }
  @OnSignal()
  close(): void {
    this.closed = true;
  }
  @OnQuery()
  balance(): Account {
    return { ...this.account, paid: this.paid, open: !this.closed };
  }

  async run(ctx: WorkflowContext, account: Account): Promise<Account> {
    await ctx.condition(() => this.closed || this.payments >= PAYMENTS_A_RUN);
    if (this.closed) return this.balance();
    return ctx.continueAsNew({ ...account, paid: this.paid });
  }
}
