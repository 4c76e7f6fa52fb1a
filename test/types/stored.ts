// What the compiler says about values that come back from the journal. `npm run typecheck` runs it.
import { ActivityFailure, Activity, OnQuery, Workflow, WorkflowFailedError } from 'nestjs-continuum';
import type {
  ActivityResult,
  Stored,
  WorkflowClient,
  WorkflowContext,
  WorkflowResult,
} from 'nestjs-continuum';
import type { Equal } from './support.js';
import { is } from './support.js';

const INTERNAL = Symbol('internal');

class Price {
  readonly [INTERNAL] = true;
  constructor(
    readonly cents: number,
    readonly currency?: 'EUR' | 'USD',
  ) {}
  euros(): number {
    return this.cents / 100;
  }
}
/** As an entity of TypeORM: with relations that go round in a circle, and helpers. */
class Customer {
  id!: string;
  name!: string | null;
  orders!: CustomerOrder[];
  greet(): string {
    return `Hello ${this.name}`;
  }
}
class CustomerOrder {
  id!: string;
  customer!: Customer;
  total!: Price;
  placedAt!: Date;
  save?(): Promise<void>;
}
/** As decimals, Luxon and `Temporal` do. */
class Decimal {
  readonly #text = '1.5';
  plus(other: Decimal): Decimal {
    return other;
  }
  toJSON(): string {
    return this.#text;
  }
}
class Declined extends Error {
  code = 'declined';
  retry(): void {}
}

// ------------------------------------------------------------------------------------------- unchanged

interface Receipt {
  readonly no: number;
  note?: string;
}
type Id = string & { readonly brand: 'order' };
type Shape = { kind: 'circle'; r: number } | { kind: 'square'; a: number };
interface Tree {
  readonly name: string;
  readonly children: readonly Tree[];
}
is<Equal<Stored<Receipt>, Receipt>>();
is<Equal<Stored<Receipt[]>, Receipt[]>>();
is<Equal<Stored<readonly [Receipt, number?]>, readonly [Receipt, number?]>>();
is<Equal<Stored<Shape>, Shape>>();
is<Equal<Stored<Id>, Id>>();
is<Equal<Stored<Receipt | undefined>, Receipt | undefined>>();
is<Equal<Stored<string | boolean | bigint | null>, string | boolean | bigint | null>>();
is<Equal<Stored<void>, void>>();
is<Equal<Stored<unknown>, unknown>>();
// oxlint-disable-next-line typescript/no-explicit-any -- it is what is tested
is<Equal<Stored<any>, any>>();
is<Equal<Stored<never>, never>>();
is<Equal<Stored<Date | RegExp | URL>, Date | RegExp | URL>>();
is<Equal<Stored<Float64Array>, Float64Array>>();
is<Equal<Stored<Uint8Array>, Uint8Array>>();
is<Equal<Stored<Map<string, Date>>, Map<string, Date>>>();
is<Equal<Stored<ReadonlySet<bigint>>, ReadonlySet<bigint>>>();
is<Equal<Stored<Record<string, unknown>>, Record<string, unknown>>>();

export const tree = (stored: Stored<Tree>): Tree => stored;

// --------------------------------------------------------------------------------------------- changed

type StoredPrice = { readonly cents: number; readonly currency?: 'EUR' | 'USD' | undefined };
is<Equal<Stored<Price>, StoredPrice>>();
is<Equal<Stored<Map<string, Price[]>>, Map<string, StoredPrice[]>>>();
is<Equal<Stored<Buffer>, Uint8Array>>();
is<Equal<Stored<{ file: Buffer | null }>, { file: Uint8Array | null }>>();
is<Equal<Stored<{ amount: Decimal }>, { amount: string }>>();
is<Equal<Stored<() => void>, never>>();
is<Equal<keyof Stored<CustomerOrder>, 'id' | 'customer' | 'total' | 'placedAt'>>();
is<Equal<keyof Stored<Customer>, 'id' | 'name' | 'orders'>>();

export function declined(error: Stored<Declined>): Error {
  is<Equal<typeof error.code, string>>();
  // @ts-expect-error a method does not come back
  error.retry();
  return error;
}

// ------------------------------------------------------------------------------------- where it is met

@Activity()
export class LoadOrder {
  async execute(id: string): Promise<CustomerOrder> {
    return Object.assign(new CustomerOrder(), { id });
  }
}
@Activity()
export class Print {
  async execute(order: { id: string }): Promise<Buffer> {
    return Buffer.from(order.id);
  }
}

@Workflow()
export class PriceWorkflow {
  private price = new Price(1);
  @OnQuery() current(): Price {
    return this.price;
  }
  async run(ctx: WorkflowContext, id: string): Promise<Price> {
    const order = await ctx.run(LoadOrder, id);
    is<Equal<typeof order.placedAt, Date>>();
    is<Equal<typeof order.total, StoredPrice>>();
    // @ts-expect-error a stored entity has no methods
    order.customer.greet();
    // @ts-expect-error at no depth
    order.customer.orders[0]?.total.euros();
    const page = await ctx.run(Print, order);
    // @ts-expect-error a Buffer comes back as a Uint8Array
    page.readUInt8(0);
    return new Price(page.byteLength + order.total.cents);
  }
}
is<Equal<WorkflowResult<PriceWorkflow>, StoredPrice>>();
is<Equal<ActivityResult<Print>, Uint8Array>>();

export async function outside(client: WorkflowClient): Promise<void> {
  const handle = await client.start(PriceWorkflow, '1');
  is<Equal<Awaited<ReturnType<typeof handle.result>>, StoredPrice>>();
  const asked = await handle.query('current');
  is<Equal<typeof asked, StoredPrice>>();
  const executed = await client.execute(PriceWorkflow, '1');
  // @ts-expect-error what `run` returned was stored
  executed.euros();
}

// --------------------------------------------------------------------------------------------- causes

// Declared by the classes themselves: the libraries of ES2021 and before do not know it.
is<Equal<Pick<ActivityFailure, 'cause'>, { readonly cause: unknown }>>();
is<Equal<Pick<WorkflowFailedError, 'cause'>, { readonly cause: unknown }>>();

export function causeOf(error: unknown): string | undefined {
  if (error instanceof WorkflowFailedError && error.cause instanceof ActivityFailure) {
    const { cause } = error.cause;
    return cause instanceof Error ? cause.message : undefined;
  }
  return undefined;
}
