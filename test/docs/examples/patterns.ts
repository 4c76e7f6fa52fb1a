import { Injectable } from '@nestjs/common';
import {
  Activity,
  Compensate,
  defineSignal,
  NonRetryableError,
  Workflow,
  WorkflowContext,
  WorkflowFailure,
} from 'nestjs-continuum';

/** What was done and undone, for the spec. */
export const done: string[] = [];
/** How often booking something fails before it works, for the spec. */
export const failures = new Map<string, number>();

export interface Trip {
  readonly city: string;
  readonly cents: number;
}

@Injectable()
export class Bookings {
  @Activity({ retry: { initialInterval: 1, maxAttempts: 2 } })
  async flight(city: string): Promise<string> {
    return book(`flight to ${city}`);
  }

  @Compensate('flight')
  async cancelFlight(flight: string): Promise<void> {
    done.push(`undo ${flight}`);
  }

  @Activity({ retry: { initialInterval: 1, maxAttempts: 2 } })
  async room(city: string): Promise<string> {
    return book(`room in ${city}`);
  }

  @Compensate('room')
  async cancelRoom(room: string): Promise<void> {
    done.push(`undo ${room}`);
  }

  @Activity({ retry: { initialInterval: 1 } })
  async insurance(city: string): Promise<string> {
    return book(`insurance for ${city}`);
  }
}

async function book(what: string): Promise<string> {
  const left = failures.get(what) ?? 0;
  if (left > 0) {
    failures.set(what, left - 1);
    throw new Error(`No ${what} now.`);
  }
  done.push(what);
  return what;
}

@Injectable()
export class Desk {
  @Activity()
  async rate({ cents }: Trip): Promise<string> {
    if (cents < 0) throw new NonRetryableError('That is no price.');
    return cents < 10_000 ? 'small' : cents < 100_000 ? 'large' : 'absurd';
  }

  @Activity()
  async write(topic: string, remarks: readonly string[]): Promise<string> {
    return [topic, ...remarks].join(', ');
  }

  @Activity()
  async review(text: string): Promise<{ readonly good: boolean; readonly remark: string }> {
    const words = text.split(', ').length;
    return { good: words > 2, remark: `remark ${words}` };
  }

  @Activity()
  async mail(to: string, text: string): Promise<void> {
    done.push(`mail to ${to}: ${text}`);
  }
}

// ------------------------------------------------------------------------------------------ step by step
@Workflow({ name: 'steps' })
export class StepsWorkflow {
  constructor(private readonly bookings: Bookings) {}

  async run(_ctx: WorkflowContext, { city }: Trip): Promise<string> {
    const flight = await this.bookings.flight(city);
    const room = await this.bookings.room(city);
    return `${flight}, ${room}`;
  }
}

// ---------------------------------------------------------------------------------------------- parallel
@Workflow({ name: 'parallel' })
export class ParallelWorkflow {
  constructor(private readonly bookings: Bookings) {}

  async run(ctx: WorkflowContext, { city }: Trip): Promise<string> {
    const patient = { retry: { maxAttempts: 5, initialInterval: 1 } };
    const [flight, room] = await Promise.all([
      this.bookings.flight(city),
      ctx.activities(Bookings, patient).room(city),
    ]);
    return `${flight}, ${room}`;
  }
}

@Workflow({ name: 'branches' })
export class BranchesWorkflow {
  constructor(private readonly bookings: Bookings) {}

  async run(ctx: WorkflowContext, cities: readonly string[]): Promise<readonly string[]> {
    const outcomes = await Promise.allSettled(
      cities.map((city) =>
        ctx.saga(async () => {
          const flight = await this.bookings.flight(city);
          return `${flight}, ${await this.bookings.room(city)}`;
        }),
      ),
    );
    return outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'stays at home'));
  }
}

// ------------------------------------------------------------------------------------------------- route
@Workflow({ name: 'route' })
export class RouteWorkflow {
  constructor(
    private readonly desk: Desk,
    private readonly bookings: Bookings,
  ) {}

  async run(_ctx: WorkflowContext, trip: Trip): Promise<string> {
    const rating = await this.desk.rate(trip);
    switch (rating) {
      case 'small':
        return this.bookings.flight(trip.city);
      case 'large':
        await this.bookings.insurance(trip.city);
        return this.bookings.flight(trip.city);
      default:
        throw new WorkflowFailure(`There is no way for ${rating} trips.`);
    }
  }
}

// -------------------------------------------------------------------------------------------------- loop
@Workflow({ name: 'loop' })
export class LoopWorkflow {
  constructor(private readonly desk: Desk) {}

  async run(_ctx: WorkflowContext, topic: string): Promise<string> {
    const remarks: string[] = [];
    for (let round = 1; round <= 5; round++) {
      const text = await this.desk.write(topic, remarks);
      const { good, remark } = await this.desk.review(text);
      if (good) return text;
      remarks.push(remark);
    }
    throw new WorkflowFailure('It gets no better.');
  }
}

// ------------------------------------------------------------------------------------------------- sleep
@Workflow({ name: 'sleep' })
export class ReminderWorkflow {
  constructor(private readonly desk: Desk) {}

  async run(ctx: WorkflowContext, { to, after, until }: Reminder): Promise<void> {
    await ctx.sleep(after);
    await this.desk.mail(to, 'Soon you leave.');
    await ctx.sleep(until);
    await this.desk.mail(to, 'You leave today.');
  }
}

export interface Reminder {
  readonly to: string;
  /** In ms. */
  readonly after: number;
  readonly until: Date;
}

// ------------------------------------------------------------------------------------------------ signal
export const Decided = defineSignal<{ readonly by: string; readonly yes: boolean }>('decided');

@Workflow({ name: 'signal' })
export class ApprovalWorkflow {
  constructor(private readonly bookings: Bookings) {}

  async run(ctx: WorkflowContext, { city, patience }: Approval): Promise<string> {
    const room = await this.bookings.room(city);
    const decision = await ctx.waitForSignal(Decided, { timeout: patience });
    if (decision === undefined) throw new WorkflowFailure('Nobody decided.');
    if (!decision.yes) throw new WorkflowFailure(`${decision.by} said no.`);
    return room;
  }
}

export interface Approval {
  readonly city: string;
  /** In ms. */
  readonly patience: number;
}

// ------------------------------------------------------------------------------------------------- child
@Activity()
export class CancelTrip {
  async execute({ result }: { readonly result: string }): Promise<void> {
    done.push(`cancel the trip: ${result}`);
  }
}

@Workflow({ name: 'holidays' })
export class HolidaysWorkflow {
  constructor(private readonly bookings: Bookings) {}

  async run(ctx: WorkflowContext, { city, cents }: Trip): Promise<string> {
    const trip = await ctx.child(StepsWorkflow, { city, cents }, { compensate: CancelTrip });
    return `${trip}, ${await this.bookings.insurance(city)}`;
  }
}

// ------------------------------------------------------------------------------------------------- again
@Workflow({ name: 'again' })
export class AgainWorkflow {
  constructor(private readonly bookings: Bookings) {}

  async run(ctx: WorkflowContext, city: string): Promise<string> {
    for (let round = 1; ; round++) {
      try {
        return await ctx.saga(async () => {
          const room = await this.bookings.room(city);
          return `${room}, ${await this.bookings.flight(city)}`;
        });
      } catch (error) {
        if (round === 3 || ctx.cancelRequested) throw error;
        await ctx.sleep(10 * round);
      }
    }
  }
}
