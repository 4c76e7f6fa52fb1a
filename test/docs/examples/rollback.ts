import { Injectable } from '@nestjs/common';
import { Activity, Compensate, Workflow, WorkflowContext, WorkflowFailure } from 'nestjs-continuum';
import type { WorkflowHandle } from 'nestjs-continuum';

/** What was done and undone, for the spec. */
export const diary: string[] = [];

@Injectable()
export class Hotels {
  @Activity()
  async book(city: string): Promise<string> {
    diary.push(`book ${city}`);
    return `room in ${city}`;
  }

  @Compensate('book', { retry: { maxAttempts: Infinity } })
  async release(room: string, city: string): Promise<void> {
    diary.push(`release ${room}, ${city}`);
  }
}

@Activity()
export class BookFlight {
  async execute(city: string): Promise<string> {
    diary.push(`fly to ${city}`);
    if (city === 'Atlantis') throw new Error('There is no airport.');
    return `seat to ${city}`;
  }

  @Compensate()
  async cancel(seat: string): Promise<void> {
    diary.push(`cancel ${seat}`);
  }
}

@Activity()
export class SendApology {
  async execute(city: string): Promise<void> {
    diary.push(`apologise for ${city}`);
  }
}

@Workflow({ name: 'trip' })
export class TripWorkflow {
  constructor(private readonly hotels: Hotels) {}

  async run(ctx: WorkflowContext, city: string): Promise<string> {
    ctx.onRollback(SendApology, city); // first in, last out
    // Finished before a cancellation is met: what was booked is known, and can be released.
    const room = await ctx.nonCancellable(() => this.hotels.book(city));
    const seat = await ctx.run(BookFlight, city, { retry: { maxAttempts: 1 } });
    ctx.commit(); // the point of no return: what is done is not undone any more
    await ctx.sleep(10);
    return `${room}, ${seat}`;
  }
}

@Workflow({ name: 'manual trip', compensation: 'manual' })
export class ManualTripWorkflow {
  constructor(private readonly hotels: Hotels) {}

  async run(ctx: WorkflowContext, city: string): Promise<string> {
    await this.hotels.book(city);
    const { complete } = await ctx.compensate(); // now, and not at the end
    return complete ? 'everything undone' : 'something is left';
  }
}

const once = { retry: { maxAttempts: 1 } } as const;

@Workflow({ name: 'package', compensation: { mode: 'automatic', order: 'parallel' } })
export class PackageWorkflow {
  constructor(private readonly hotels: Hotels) {}

  async run(ctx: WorkflowContext, cities: readonly string[]): Promise<string> {
    for (const city of cities) {
      const trip = await ctx
        .saga(() => Promise.all([this.hotels.book(city), ctx.run(BookFlight, city, once)]))
        .catch(() => null); // what was booked there is released again
      if (trip) return trip.join(', ');
    }
    throw new WorkflowFailure('There is no way.');
  }
}

export async function tryAgain(trip: WorkflowHandle, user: string): Promise<void> {
  await trip.retryRollback({ reason: 'the bank is back', actor: { name: user } });
}

export async function stepsKept(handle: WorkflowHandle): Promise<number> {
  const { state, rollback } = await handle.describe();
  const kept = rollback?.filter(({ outcome }) => outcome !== 'undone');
  return state === 'completed' ? 0 : (kept?.length ?? 0);
}
