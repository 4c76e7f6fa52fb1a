import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import {
  Activity,
  ActivityContext,
  Compensate,
  OnQuery,
  OnSignal,
  Workflow,
  WorkflowContext,
  WorkflowFailure,
} from 'nestjs-continuum';

export const tripSchema = z.object({
  to: z.string().min(1),
  nights: z.int().positive().default(1),
  /** What the workflow does once everything is booked. */
  then: z.enum(['finish', 'fail', 'wait']).default('finish'),
});
export interface Trip {
  readonly to: string;
  readonly nights?: number | undefined;
  readonly then?: 'finish' | 'fail' | 'wait' | undefined;
}

/** What happened outside, in order. */
@Injectable()
export class Diary {
  readonly lines: string[] = [];
  write(line: string): void {
    this.lines.push(line);
  }
}

@Activity()
export class BookFlight {
  constructor(private readonly diary: Diary) {}
  async execute(trip: Trip, ctx: ActivityContext): Promise<{ flight: string }> {
    this.diary.write(`fly to ${trip.to}, attempt ${ctx.attempt}`);
    return { flight: `F-${trip.to}` };
  }
}

@Compensate(BookFlight)
export class CancelFlight {
  constructor(private readonly diary: Diary) {}
  async execute(booking: { flight: string }, trip: Trip, ctx: ActivityContext): Promise<void> {
    this.diary.write(`cancel ${booking.flight} to ${trip.to}, attempt ${ctx.attempt}`);
  }
}

@Injectable()
export class HotelActivities {
  constructor(private readonly diary: Diary) {}

  @Activity()
  async book(to: string, nights: number, ctx = ActivityContext.current()): Promise<string> {
    this.diary.write(`sleep in ${to} for ${nights}, attempt ${ctx.attempt}`);
    return `H-${to}`;
  }

  @Compensate('book')
  async release(room: string, to: string, nights: number): Promise<void> {
    this.diary.write(`release ${room} in ${to} for ${nights}`);
  }
}

@Activity({ name: 'rent-car' })
export class RentCar {
  constructor(private readonly diary: Diary) {}

  async execute(to: string): Promise<Map<string, Date>> {
    this.diary.write(`drive in ${to}`);
    return new Map([[to, new Date(0)]]);
  }

  @Compensate()
  async giveBack(car: Map<string, Date>, to: string, ctx: ActivityContext): Promise<void> {
    this.diary.write(`give back ${[...car.keys()].join()} in ${to}, attempt ${ctx.attempt}`);
  }
}

/** Uses every form of calling an activity and of undoing one. */
@Workflow({ name: 'trip', input: tripSchema })
export class TripWorkflow {
  private stage = 'planned';
  private confirmedBy: string | undefined;

  constructor(
    private readonly hotels: HotelActivities,
    private readonly ctx: WorkflowContext,
  ) {}

  @OnSignal()
  confirm(by: string): void {
    this.ctx.log.log(`confirmed by ${by}`);
    this.confirmedBy = by;
  }

  @OnQuery()
  where(): string {
    return this.stage;
  }

  async run(ctx: WorkflowContext, trip: Trip): Promise<readonly unknown[]> {
    const flight = await ctx.run(BookFlight, trip);
    this.stage = 'in the air';
    const hotel = await this.hotels.book(trip.to, trip.nights!);
    this.stage = 'asleep';
    const again = await ctx.activities(HotelActivities, { retry: { maxAttempts: 1 } }).book('bar', 0);
    const car = await ctx.run(RentCar, trip.to, { timeout: '1 minute' });
    this.stage = 'booked';
    if (trip.then === 'fail') throw new WorkflowFailure('it rains');
    if (trip.then === 'wait') await ctx.condition(() => this.confirmedBy !== undefined);
    return [flight, hotel, again, car, this.confirmedBy];
  }
}

export const tripProviders = [Diary, BookFlight, CancelFlight, HotelActivities, RentCar, TripWorkflow];

export const BOOKED = [
  'fly to Rome, attempt 1',
  'sleep in Rome for 2, attempt 1',
  'sleep in bar for 0, attempt 1',
  'drive in Rome',
];
export const UNDONE = [
  'give back Rome in Rome, attempt 1',
  'release H-bar in bar for 0',
  'release H-Rome in Rome for 2',
  'cancel F-Rome to Rome, attempt 1',
];
