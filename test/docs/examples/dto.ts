import type { StandardSchemaV1 } from '@standard-schema/spec';
import { plainToInstance, Type } from 'class-transformer';
import { IsInt, IsOptional, IsString, MinLength, validate, ValidateNested } from 'class-validator';
import type { ValidationError } from 'class-validator';
import { defineSignal, OnSignal, Workflow, WorkflowContext } from 'nestjs-continuum';

/** A DTO class as a Standard Schema. */
export const dto = <T extends object>(type: new () => T): StandardSchemaV1<T> => ({
  '~standard': {
    version: 1,
    vendor: 'class-validator',
    async validate(value) {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        return { issues: [{ message: `${type.name} must be an object` }] };
      }
      const made = plainToInstance(type, value);
      const errors = await validate(made, { whitelist: true });
      return errors.length === 0 ? { value: made } : { issues: errors.flatMap((error) => issuesOf(error)) };
    },
  },
});

function issuesOf(error: ValidationError, parents: readonly string[] = []): StandardSchemaV1.Issue[] {
  const path = [...parents, error.property];
  const own = Object.values(error.constraints ?? {}).map((message) => ({ message, path }));
  return [...own, ...(error.children ?? []).flatMap((child) => issuesOf(child, path))];
}

export class ItemDto {
  @IsString() @MinLength(1) sku!: string;
  @IsInt() @IsOptional() count?: number;
}
export class OrderDto {
  @IsString() customer!: string;
  @ValidateNested({ each: true }) @Type(() => ItemDto) items!: ItemDto[];
}

export const Shipped = defineSignal('shipped', dto(ItemDto));

@Workflow({ name: 'dto-order', input: dto(OrderDto) })
export class DtoOrderWorkflow {
  private readonly added: ItemDto[] = [];

  @OnSignal({ input: dto(ItemDto) })
  add(item: ItemDto): void {
    this.added.push(item);
  }

  async run(ctx: WorkflowContext, order: OrderDto): Promise<string> {
    const { sku } = await ctx.waitForSignal(Shipped);
    return `${order.customer}: ${[...order.items, ...this.added].map((item) => item.sku).join(', ')}; ${sku} shipped`;
  }
}
