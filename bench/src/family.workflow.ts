import { Workflow, WorkflowContext } from 'nestjs-continuum';
import { StepActivities } from './ten-steps.workflow.js';

/** One activity: nothing but what a child costs. */
@Workflow({ name: 'one-step' })
export class OneStep {
  constructor(private readonly steps: StepActivities) {}

  run(_: WorkflowContext, step: number): Promise<number> {
    return this.steps.add({ sum: 1, step });
  }
}

/** A parent that starts all its children at once, and waits for all of them. */
@Workflow({ name: 'family' })
export class Family {
  async run(ctx: WorkflowContext, children: number): Promise<number> {
    const ends = await Promise.all(Array.from({ length: children }, (_, i) => ctx.child(OneStep, i)));
    return ends.length;
  }
}
