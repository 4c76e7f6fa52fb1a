// What the compiler says about activities and compensations. `npm run typecheck` runs it: an error that no
// `@ts-expect-error` announces fails, and so does an announced one that does not come.
import { Injectable } from '@nestjs/common';
import type { Activities, ActivityCallOptionsInput, Duration } from 'nestjs-continuum';
import { Activity, ActivityContext, Compensate, milliseconds } from 'nestjs-continuum';
import type { Equal } from './support.js';
import { is } from './support.js';

export interface Order {
  readonly id: string;
  readonly items: string[];
}
export interface Receipt {
  readonly no: number;
}
interface Reservation {
  readonly reservation: string;
}

// -------------------------------------------------------------------------------------------- methods

@Injectable()
export class StockActivities {
  readonly taxRate = 0.2;
  constructor(private readonly db: { query(): void }) {}

  @Activity() async reserve(items: string[]): Promise<Reservation> {
    this.db.query();
    return { reservation: items.join() };
  }
  @Activity({ timeout: '30s', retry: { maxAttempts: Infinity, nonRetryable: ['Declined', TypeError] } })
  async count(sku: string, warehouse?: string): Promise<number> {
    return sku.length + (warehouse?.length ?? 0);
  }
  @Activity() async pick<T extends string>(
    from: readonly T[],
    ctx = ActivityContext.current(),
  ): Promise<T | undefined> {
    ctx.heartbeat({ picked: 0 });
    return from[0];
  }
  helper(x: number): number {
    return x;
  }

  @Compensate('reserve') async release(result: Reservation, items: string[]): Promise<void> {
    void [result, items];
  }
  // Fewer parameters will do, and a step that is undone at once.
  @Compensate('reserve') undoShort(): void {}
  @Compensate('reserve', { retry: { maxAttempts: 10 } }) async undoOptions(): Promise<void> {}
  // Both: a step of its own, and what undoes another.
  @Activity() @Compensate('reserve') async both(result: Reservation, items: string[]): Promise<void> {
    void [result, items];
  }

  // @ts-expect-error an activity promises
  @Activity() sync(x: number): number {
    return x;
  }
  // @ts-expect-error a misspelt unit
  @Activity({ timeout: '30 secnds' }) async misspelt(): Promise<void> {}
  // @ts-expect-error an unknown option
  @Activity({ retries: 3 }) async unknownOption(): Promise<void> {}
  // @ts-expect-error an option that is not there yet
  @Activity({ queue: 'warehouse' }) async queued(): Promise<void> {}
  // @ts-expect-error no such activity
  @Compensate('resrve') async undoMisspelt(): Promise<void> {}
  // @ts-expect-error the result has another type
  @Compensate('reserve') async undoResult(result: number): Promise<void> {
    void result;
  }
  // @ts-expect-error the input has another type
  @Compensate('reserve') async undoInput(result: Reservation, items: number[]): Promise<void> {
    void [result, items];
  }
  // @ts-expect-error what is not public cannot be named
  @Compensate('hidden') async undoHidden(): Promise<void> {}
  @Activity() protected async hidden(): Promise<void> {}
  // @ts-expect-error a property that holds a function is no method
  @Activity() arrow = async (): Promise<void> => {};
}

@Injectable()
export class Inherited extends StockActivities {
  @Compensate('count') async uncount(count: number, sku: string): Promise<void> {
    void [count, sku];
  }
  // @ts-expect-error the inherited activity gives a number
  @Compensate('count') async wrong(count: string): Promise<void> {
    void count;
  }
}

@Injectable()
export class Shapes<T> {
  @Activity() async put(value: T): Promise<T> {
    return value;
  }
  @Compensate('put') async drop(result: T, value: T): Promise<void> {
    void [result, value];
  }
  // Overloads keep.
  over(x: string): Promise<string>;
  over(x: number): Promise<number>;
  @Activity() async over(x: unknown): Promise<unknown> {
    return x;
  }
  // An unannotated method, and what undoes it.
  @Activity() async inferred(n: number) {
    return { n, at: 'x' };
  }
  @Compensate('inferred') async undoInferred(result: { n: number; at: string }, n: number): Promise<void> {
    void [result, n];
  }
}

// -------------------------------------------------------------------------------------------- classes

@Activity({ concurrency: 4 })
export class ShipOrder {
  async execute(input: { order: Order }, ctx: ActivityContext): Promise<Receipt> {
    ctx.logger.log('shipping', { attempt: ctx.attempt });
    return { no: input.order.items.length };
  }
  @Compensate() async recall(receipt: Receipt, input: { order: Order }, ctx: ActivityContext): Promise<void> {
    void [receipt, input, ctx];
  }
  // @ts-expect-error execute gives a Receipt
  @Compensate() async wrong(receipt: string): Promise<void> {
    void receipt;
  }
}
@Activity()
export class Cleanup {
  async execute(): Promise<void> {}
}
@Activity()
export class RentCar {
  async execute(to: string): Promise<number> {
    return to.length;
  }
  // The context comes behind the input, also where execute() does without it.
  @Compensate() async giveBack(car: number, to: string, ctx: ActivityContext): Promise<void> {
    void [car, to, ctx];
  }
  // @ts-expect-error execute takes a text
  @Compensate() async wrong(car: number, to: number): Promise<void> {
    void [car, to];
  }
}
@Activity()
export class MaybeInput {
  async execute(input?: number): Promise<number> {
    return input ?? 0;
  }
}
// @ts-expect-error no execute()
@Activity()
export class NoExecute {}
// @ts-expect-error execute() promises
@Activity()
export class SyncExecute {
  execute(): number {
    return 1;
  }
}
// @ts-expect-error nobody could make it
@Activity()
export class PrivateConstructor {
  private constructor() {}
  async execute(): Promise<void> {}
}

@Compensate(ShipOrder)
export class CancelShipment {
  async execute(receipt: Receipt, input: { order: Order }, ctx: ActivityContext): Promise<void> {
    void [receipt, input, ctx];
  }
}
@Compensate(ShipOrder, { timeout: '1m' })
export class CancelShipmentShortly {
  async execute(): Promise<void> {}
}
// @ts-expect-error the result has another type
@Compensate(ShipOrder)
export class CancelShipmentWrong {
  async execute(receipt: string): Promise<void> {
    void receipt;
  }
}

// ----------------------------------------------------------------------------------- what is derived

type Callable =
  | 'reserve'
  | 'count'
  | 'pick'
  | 'release'
  | 'undoOptions'
  | 'both'
  | 'misspelt'
  | 'unknownOption'
  | 'queued'
  | 'undoMisspelt'
  | 'undoResult'
  | 'undoInput'
  | 'undoHidden'
  | 'arrow';
is<Equal<keyof Activities<StockActivities>, Callable>>();

export const fromEnvironment = (text: string): Duration => milliseconds(text);
// @ts-expect-error text from outside is not checked by the compiler
export const unchecked: Duration = process.env['TIMEOUT'] as string;

const widened = { timeout: '30s' };
// @ts-expect-error widened to string: write `as const` or `satisfies ActivityOptions`
Activity(widened);

export const inATest = ActivityContext.run({} as ActivityContext, () => 5);
is<Equal<typeof inATest, number>>();

// -------------------------------------------------------------------------------------------- new names
export class RenamedActivities {
  @Activity({ name: 'stock.take', aliases: ['StockActivities.reserve'] })
  async take(order: Order): Promise<string> {
    return order.id;
  }
  @Compensate('take', { aliases: ['StockActivities.release'] })
  async putBack(taken: string): Promise<void> {
    void taken;
  }
  // @ts-expect-error a list of names
  @Activity({ aliases: 'reserve' }) async other(): Promise<void> {}
}
// @ts-expect-error no option of a call
export const ofOneCall: ActivityCallOptionsInput = { aliases: ['reserve'] };
