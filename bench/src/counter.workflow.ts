import { OnSignal, Workflow, WorkflowContext } from 'nestjs-continuum';

export interface Count {
  readonly counted: number;
  readonly until: number;
}

/** The signals of one run, before it continues as new. */
const SIGNALS_A_RUN = 1_000;

/** An entity: it counts what it is sent, and goes on with a fresh history every thousand signals. */
@Workflow({ name: 'counter' })
export class Counter {
  private counted = 0;

  @OnSignal()
  count(): void {
    this.counted++;
  }

  async run(ctx: WorkflowContext, { counted, until }: Count): Promise<number> {
    const left = until - counted;
    await ctx.condition(() => this.counted >= Math.min(SIGNALS_A_RUN, left));
    const total = counted + this.counted;
    return total >= until ? total : ctx.continueAsNew({ counted: total, until });
  }
}
