import { Injectable } from '@nestjs/common';
import { Activity, OnQuery, OnSignal, Workflow, WorkflowClient, WorkflowContext } from 'nestjs-continuum';

export interface Parcel {
  readonly to: string;
  readonly weight: number;
}

@Injectable()
export class Carriers {
  @Activity()
  async book(parcel: Parcel): Promise<string> {
    return `carrier of ${parcel.to}`;
  }
}

@Workflow({ name: 'delivery', version: 1 })
export class DeliveryWorkflow {
  private delivered = false;

  constructor(
    private readonly carriers: Carriers,
    private readonly ctx: WorkflowContext,
  ) {}

  @OnSignal() seen(town: string): void {
    this.ctx.setDetails(`Last seen in ${town}`);
    this.delivered = town === this.ctx.info.attributes['to'];
  }

  @OnQuery() carrier(): unknown {
    return this.ctx.info.attributes['carrier'];
  }

  async run(ctx: WorkflowContext, parcel: Parcel): Promise<string> {
    ctx.setAttributes({ stage: 'booking', to: parcel.to, weight: parcel.weight });
    const carrier = await this.carriers.book(parcel);
    ctx.setAttributes({ stage: 'under way', carrier });
    await ctx.condition(() => this.delivered);
    ctx.setAttributes({ stage: 'delivered', carrier: null }); // null, or undefined, removes one
    return carrier;
  }
}

@Injectable()
export class Deliveries {
  constructor(private readonly workflows: WorkflowClient) {}

  async begin(parcel: Parcel, customer: string): Promise<string> {
    const handle = await this.workflows.start(DeliveryWorkflow, parcel, { attributes: { customer } });
    return handle.workflowId;
  }

  async heavyOnes(customer: string): Promise<readonly string[]> {
    const { runs } = await this.workflows.list({
      where: {
        state: 'running',
        attributes: {
          customer, // this value
          stage: { in: ['booking', 'under way'] }, // one of these
          weight: { gte: 10, lt: 100 }, // within bounds
        },
      },
    });
    return runs.map(({ workflowId, details }) => `${workflowId}: ${details}`);
  }
}
