import { Injectable } from '@nestjs/common';
import { Activity, OnSignal, Workflow, WorkflowContext } from 'nestjs-continuum';

@Injectable()
export class Checkout {
  @Activity()
  async checkFraud(order: string): Promise<string> {
    return `checked ${order}`;
  }

  @Activity()
  async charge(order: string): Promise<string> {
    return `charged ${order}`;
  }
}

@Workflow({ name: 'checkout', version: 1 })
export class CheckoutWorkflow {
  private approved = false;

  constructor(private readonly checkout: Checkout) {}

  @OnSignal()
  approve(): void {
    this.approved = true;
  }

  async run(ctx: WorkflowContext, order: string): Promise<string[]> {
    const done: string[] = [];
    if (ctx.patched('check-fraud')) {
      done.push(await this.checkout.checkFraud(order));
    }
    await ctx.condition(() => this.approved);
    done.push(await this.checkout.charge(order));
    return done;
  }
}

@Workflow({ name: 'checkout', version: 2 })
export class CheckoutWorkflowV2 {
  constructor(private readonly checkout: Checkout) {}

  async run(ctx: WorkflowContext, order: string): Promise<string[]> {
    ctx.deprecatePatch('check-fraud');
    const checked = await this.checkout.checkFraud(order);
    return [checked, await this.checkout.charge(order)];
  }
}

@Workflow({ name: 'billing' })
export class BillingWorkflow {
  constructor(private readonly checkout: Checkout) {}

  async run(ctx: WorkflowContext, months: number): Promise<number> {
    let fees = 0;
    for (let month = 1; month <= months; month++) {
      await this.checkout.charge(`month ${month}`);
      if (ctx.patched(`fee:${month}`)) {
        await this.checkout.charge(`fee of month ${month}`);
        fees++;
      }
    }
    return fees;
  }
}

@Injectable()
export class Prices {
  @Activity({ name: 'prices.of', aliases: ['Checkout.priceOf'] })
  async priceOf(order: string): Promise<string> {
    return `price of ${order}`;
  }
}

@Workflow({ name: 'offer', aliases: ['quote'] })
export class OfferWorkflow {
  constructor(private readonly prices: Prices) {}

  async run(_ctx: WorkflowContext, order: string): Promise<string> {
    return this.prices.priceOf(order);
  }
}
