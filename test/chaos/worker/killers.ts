import { setTimeout as pause } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { Activity, ActivityContext, Workflow } from '../../../lib/index.js';
import type { WorkflowContext } from '../../../lib/index.js';

@Injectable()
export class KillerActivities {
  /** Whatever its attempt, its process ends with it. */
  @Activity({ retry: { maxAttempts: Infinity, initialInterval: 20 } })
  async crash(): Promise<void> {
    await pause(10);
    process.exit(7);
  }
  /** Its result is the attempt that did it. */
  @Activity({ retry: { maxAttempts: Infinity, initialInterval: 20 } })
  async step(takes: number): Promise<number> {
    await pause(takes);
    return ActivityContext.current().attempt;
  }
}

/** An activity of it ends the process, while other steps of it go on. */
@Workflow({ name: 'poison' })
export class Poison {
  constructor(private readonly activities: KillerActivities) {}

  async run(): Promise<void> {
    const crashed = this.activities.crash();
    for (let i = 0; i < 5; i++) await this.activities.step(10);
    await crashed;
  }
}

/** Its own code ends the process. */
@Workflow({ name: 'suicide' })
export class Suicide {
  constructor(private readonly activities: KillerActivities) {}

  async run(): Promise<void> {
    await this.activities.step(10);
    process.exit(8);
  }
}

/** Short steps, one after the other. Its result is the highest attempt of them. */
@Workflow({ name: 'neighbour' })
export class Neighbour {
  constructor(private readonly activities: KillerActivities) {}

  async run(_: WorkflowContext, steps: number): Promise<number> {
    let highest = 0;
    for (let i = 0; i < steps; i++) highest = Math.max(highest, await this.activities.step(100));
    return highest;
  }
}
