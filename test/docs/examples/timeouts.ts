import { Injectable } from '@nestjs/common';
import {
  Activity,
  Compensate,
  Workflow,
  WorkflowClient,
  WorkflowContext,
  WorkflowTimedOutError,
} from 'nestjs-continuum';

@Injectable()
export class Seats {
  readonly free: string[] = [];

  @Activity()
  async hold(seat: string): Promise<string> {
    return seat;
  }
  @Compensate('hold')
  async release(seat: string): Promise<void> {
    this.free.push(seat);
  }
}

@Workflow({ name: 'reservation', version: 1, executionTimeout: '30 minutes' })
export class ReservationWorkflow {
  constructor(private readonly seats: Seats) {}

  async run(ctx: WorkflowContext, seat: string): Promise<string> {
    await this.seats.hold(seat);
    return await ctx.waitForSignal<string>('paid');
  }
}

@Injectable()
export class Reservations {
  constructor(private readonly workflows: WorkflowClient) {}

  async reserve(seat: string, patience: number): Promise<string> {
    const handle = await this.workflows.start(ReservationWorkflow, seat, {
      executionTimeout: patience, // instead of the 30 minutes of the class
    });
    try {
      return await handle.result();
    } catch (error) {
      if (error instanceof WorkflowTimedOutError) return `not paid in time, rollback ${error.rollback}`;
      throw error;
    }
  }
}
