import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import {
  Activity,
  ActivityContext,
  Compensate,
  NonRetryableError,
  OnSignal,
  Workflow,
  WorkflowContext,
  WorkflowFailure,
} from '../../../lib/index.js';
import type { ActivityCallOptionsInput } from '../../../lib/index.js';
import { Ledger } from './ledger.js';

export interface StepPlan {
  /** In ms. */
  readonly takes: number;
  /** How many attempts fail before one succeeds. */
  readonly failures: number;
  /** It never succeeds. */
  readonly declined: boolean;
}

export interface SagaPlan {
  /** Six of them. */
  readonly steps: readonly [StepPlan, StepPlan, StepPlan, StepPlan, StepPlan, StepPlan];
  /** The second to the fourth are done at once. */
  readonly together: boolean;
  /** How many notes it waits for before the fifth step. */
  readonly notes: number;
  /** How long it sleeps after the first step, in ms. */
  readonly sleeps: number;
  /** Fails after the last step. */
  readonly fails: boolean;
}

const PATIENT: ActivityCallOptionsInput = {
  retry: { maxAttempts: Infinity, initialInterval: 20, maxInterval: 500 },
  timeout: '10s',
};

@Injectable()
export class SagaActivities {
  constructor(private readonly ledger: Ledger) {}

  @Activity(PATIENT)
  reserve(plan: StepPlan): Promise<string> {
    return this.#do(plan);
  }
  @Activity(PATIENT)
  charge(plan: StepPlan): Promise<string> {
    return this.#do(plan);
  }
  @Activity(PATIENT)
  book(plan: StepPlan): Promise<string> {
    return this.#do(plan);
  }
  @Activity(PATIENT)
  pack(plan: StepPlan): Promise<string> {
    return this.#do(plan);
  }
  @Activity(PATIENT)
  ship(plan: StepPlan): Promise<string> {
    return this.#do(plan);
  }
  /** The one that nothing undoes. */
  @Activity(PATIENT)
  notify(plan: StepPlan): Promise<string> {
    return this.#do(plan);
  }

  @Compensate('reserve', PATIENT)
  release(effect: string, plan: StepPlan): Promise<void> {
    return this.#undo(effect, plan);
  }
  @Compensate('charge', PATIENT)
  refund(effect: string, plan: StepPlan): Promise<void> {
    return this.#undo(effect, plan);
  }
  @Compensate('book', PATIENT)
  unbook(effect: string, plan: StepPlan): Promise<void> {
    return this.#undo(effect, plan);
  }
  @Compensate('pack', PATIENT)
  unpack(effect: string, plan: StepPlan): Promise<void> {
    return this.#undo(effect, plan);
  }
  @Compensate('ship', PATIENT)
  recall(effect: string, plan: StepPlan): Promise<void> {
    return this.#undo(effect, plan);
  }

  async #do({ takes, failures, declined }: StepPlan): Promise<string> {
    const context = ActivityContext.current();
    await pause(takes / 2, undefined, { signal: context.signal });
    if (declined) throw new NonRetryableError('declined');
    if (context.attempt <= failures) throw new Error('not yet');
    const effect = await this.ledger.write(context);
    // The effect is there and its result is not: where a crash hurts most.
    await pause(takes / 2);
    return effect;
  }

  async #undo(effect: string, { takes, failures }: StepPlan): Promise<void> {
    const context = ActivityContext.current();
    await pause(takes / 2);
    if (context.attempt <= failures) throw new Error('not yet');
    await this.ledger.write(context, effect);
  }
}

/** Six activities with compensations; what it meets on its way is its plan. Its result is the notes it was sent. */
@Workflow({ name: 'saga' })
export class Saga {
  private readonly notes: string[] = [];

  constructor(
    private readonly ctx: WorkflowContext,
    private readonly activities: SagaActivities,
  ) {}

  @OnSignal()
  note(text: string): void {
    this.notes.push(text);
  }

  async run(_: WorkflowContext, plan: SagaPlan): Promise<string[]> {
    const [first, second, third, fourth, fifth, sixth] = plan.steps;
    await this.activities.reserve(first);
    if (plan.sleeps > 0) await this.ctx.sleep(plan.sleeps);
    const work = [
      () => this.activities.charge(second),
      () => this.activities.book(third),
      () => this.activities.pack(fourth),
    ];
    if (plan.together) await Promise.all(work.map((step) => step()));
    else for (const step of work) await step();
    await this.ctx.condition(() => this.notes.length >= plan.notes);
    await this.activities.ship(fifth);
    await this.activities.notify(sixth);
    if (plan.fails) throw new WorkflowFailure('as planned');
    return this.notes;
  }
}
