import { defineSignal, OnQuery, OnSignal, TimeoutFailure, Workflow, WorkflowContext } from 'nestjs-continuum';
import { z } from 'zod';

const entry = z.object({ sku: z.string(), quantity: z.number().int().positive() });
type Entry = z.infer<typeof entry>;

export const checkedOut = defineSignal<{ by: string }>('checkedOut');

@Workflow({ name: 'cart' })
export class CartWorkflow {
  private readonly entries: Entry[] = [];

  @OnSignal({ input: entry })
  add(one: Entry): void {
    this.entries.push(one);
  }

  @OnQuery()
  content(): readonly Entry[] {
    return this.entries;
  }

  async run(ctx: WorkflowContext): Promise<string> {
    const filled = await ctx.condition(() => this.entries.length > 0, '1 day');
    if (!filled) return 'left empty';
    const checkout = await ctx.waitForSignal(checkedOut, { timeout: '2 hours' });
    if (!checkout) return 'left behind';
    await ctx.sleep(20); // or '3 days', or a Date
    return `${this.entries.length} for ${checkout.by}`;
  }
}

export const asked = defineSignal<string>('asked');
export const closed = defineSignal<string>('closed');

@Workflow({ name: 'desk' })
export class DeskWorkflow {
  async run(ctx: WorkflowContext): Promise<string> {
    for (let questions = 0; ;) {
      const next = await ctx.race({
        question: () => ctx.waitForSignal(asked),
        closing: () => ctx.waitForSignal(closed),
        evening: () => ctx.sleep('8 hours'),
      });
      if (next.key === 'question') questions++;
      else return `${questions}, ${next.key === 'closing' ? `closed by ${next.value}` : 'went home'}`;
    }
  }
}

@Workflow({ name: 'impatient' })
export class ImpatientWorkflow {
  async run(ctx: WorkflowContext): Promise<string> {
    let late = false;
    try {
      await ctx.withTimeout('20ms', () => ctx.sleep('1 hour'));
    } catch (error) {
      late = error instanceof TimeoutFailure;
    }
    return late ? 'too late' : 'in time';
  }
}
