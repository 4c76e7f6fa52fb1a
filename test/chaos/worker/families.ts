import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Activity, OnSignal, Workflow } from '../../../lib/index.js';
import type { ParentClose, WorkflowContext } from '../../../lib/index.js';

export interface FamilyPlan {
  readonly name: string;
  /** How many children each of its runs has. */
  readonly children: number;
  /** How often it continues as new, and how often it has. */
  readonly generations: number;
  readonly generation: number;
  /** How many notes it waits for before it ends. */
  readonly wanted: number;
  /** What is to become of the child that it leaves behind. */
  readonly leaves: ParentClose;
  /** What its runs before this one have gathered. */
  readonly ends: readonly string[];
  readonly notes: readonly string[];
}

export interface ChildPlan {
  readonly name: string;
  readonly generations: number;
  readonly generation: number;
}

export type FamilyEnd = Pick<FamilyPlan, 'ends' | 'notes'>;

/** Every second child continues as new, so that its end comes from another run than was started. */
export const generationsOf = (child: number): number => (child % 2 === 0 ? 2 : 0);
export const childId = ({ name, generation }: FamilyPlan, child: number): string =>
  `${name}-${generation}-${child}`;

@Injectable()
export class FamilyActivities {
  @Activity({ retry: { maxAttempts: Infinity, initialInterval: 20, maxInterval: 500 } })
  async work(name: string): Promise<string> {
    await pause(10);
    return name;
  }
}

@Workflow({ name: 'child' })
export class Child {
  constructor(private readonly activities: FamilyActivities) {}

  async run(ctx: WorkflowContext, plan: ChildPlan): Promise<string> {
    const name = await this.activities.work(plan.name);
    if (plan.generation === plan.generations) return name;
    return ctx.continueAsNew({ ...plan, generation: plan.generation + 1 });
  }
}

/** Outlives its parent, unless it is stopped. */
@Workflow({ name: 'left-behind' })
export class LeftBehind {
  async run(ctx: WorkflowContext, ms: number): Promise<void> {
    await ctx.sleep(ms);
  }
}

@Workflow({ name: 'parent' })
export class Parent {
  private readonly notes: string[] = [];

  @OnSignal()
  note(text: string): void {
    this.notes.push(text);
  }

  async run(ctx: WorkflowContext, plan: FamilyPlan): Promise<FamilyEnd> {
    const children = Array.from({ length: plan.children }, (_, i) => {
      const name = childId(plan, i);
      return ctx.child(Child, { name, generations: generationsOf(i), generation: 0 }, { id: name });
    });
    const ends = [...plan.ends, ...(await Promise.all(children))];
    if (plan.generation < plan.generations) {
      const notes = [...plan.notes, ...this.notes];
      return ctx.continueAsNew({ ...plan, generation: plan.generation + 1, ends, notes });
    }
    await ctx.startChild(LeftBehind, plan.leaves === 'abandon' ? 500 : 3_600_000, {
      id: `${plan.name}-left`,
      parentClose: plan.leaves,
    });
    await ctx.condition(() => plan.notes.length + this.notes.length >= plan.wanted);
    return { ends, notes: [...plan.notes, ...this.notes] };
  }
}
