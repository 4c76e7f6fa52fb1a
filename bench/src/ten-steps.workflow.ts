import { Injectable } from '@nestjs/common';
import { Activity, Workflow, WorkflowContext } from 'nestjs-continuum';

@Injectable()
export class StepActivities {
  @Activity()
  add(input: { readonly sum: number; readonly step: number }): Promise<number> {
    return Promise.resolve(input.sum + input.step);
  }
}

/** Ten activities, one after the other: nothing but what a step costs. */
@Workflow({ name: 'ten-steps' })
export class TenSteps {
  constructor(private readonly steps: StepActivities) {}

  async run(_: WorkflowContext, start: number): Promise<number> {
    let sum = start;
    for (let step = 1; step <= 10; step++) sum = await this.steps.add({ sum, step });
    return sum;
  }
}
