import { Injectable } from '@nestjs/common';
import {
  Activity,
  ActivityContext,
  Compensate,
  OnSignal,
  Workflow,
  WorkflowContext,
} from '../../../lib/index.js';
import { Ledger } from './ledger.js';
import { TestChannel } from './test-channel.js';

export interface HeldPlan {
  /** One activity each, one after the other: held until the test lets go of it. */
  readonly labels: readonly string[];
  /** How long the first attempt keeps the process from doing anything else once it is let go of, in ms. */
  readonly blocks?: number;
  /** Stops when it is asked to. */
  readonly obeys?: boolean;
}

@Injectable()
export class HeldActivities {
  constructor(
    private readonly ledger: Ledger,
    private readonly test: TestChannel,
  ) {}

  /** Writes its effect once the test has let go of it. */
  @Activity({ retry: { maxAttempts: Infinity, initialInterval: 20 } })
  async hold(label: string, { blocks = 0, obeys = false }: HeldPlan): Promise<string> {
    const context = ActivityContext.current();
    context.signal.addEventListener('abort', () => this.test.stopped(label, context));
    const letGo = this.test.held(label, context);
    await (obeys ? Promise.race([letGo, refusal(context.signal)]) : letGo);
    if (context.attempt === 1) block(blocks);
    return this.ledger.write(context);
  }

  @Compensate('hold')
  async undo(effect: string): Promise<void> {
    await this.ledger.write(ActivityContext.current(), effect);
  }
}

/** Does one held activity after the other. Its result is the notes it was sent. */
@Workflow({ name: 'held' })
export class Held {
  private readonly notes: string[] = [];

  constructor(private readonly activities: HeldActivities) {}

  @OnSignal()
  note(text: string): void {
    this.notes.push(text);
  }

  async run(_: WorkflowContext, plan: HeldPlan): Promise<string[]> {
    for (const label of plan.labels) await this.activities.hold(label, plan);
    return this.notes;
  }
}

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

const refusal = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
