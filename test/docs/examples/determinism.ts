import { Inject } from '@nestjs/common';
import { Workflow, WorkflowContext, WorkflowSafe } from 'nestjs-continuum';

@WorkflowSafe()
export class PriceCalculator {
  gross(net: number, tax: number): number {
    return Math.round(net * (1 + tax));
  }
}

@Workflow({ name: 'invoice', version: 1 })
export class InvoiceWorkflow {
  constructor(
    private readonly prices: PriceCalculator,
    @Inject('TAX') @WorkflowSafe() private readonly tax: number,
  ) {}

  async run(ctx: WorkflowContext, net: number): Promise<{ number: string; cents: number }> {
    // Read once and recorded: another value after a deploy changes nothing in this run.
    const tax = ctx.sideEffect(() => this.tax);
    return { number: `${ctx.now().getFullYear()}-${ctx.uuid()}`, cents: this.prices.gross(net, tax) };
  }
}

@Workflow({ name: 'invoice', version: 2 })
export class InvoiceWorkflowV2 {
  async run(ctx: WorkflowContext, net: number): Promise<{ number: string; cents: number }> {
    return { number: ctx.uuid(), cents: net };
  }
}
