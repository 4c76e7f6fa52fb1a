import type { SelectQueryBuilder } from 'typeorm';
import type { AttributeCondition, RunFilter } from '../port/index.js';
import type { Run } from './entities/index.js';

/** Asks for runs with these attributes. Names and values are parameters, whatever is in them. */
export function whereAttributes(runs: SelectQueryBuilder<Run>, { attributes, conditions }: RunFilter): void {
  const equal = Object.entries(attributes ?? {}).flatMap(([name, value]): AttributeCondition[] =>
    value === undefined ? [] : [{ name, is: 'in', values: [value] }],
  );
  for (const [i, condition] of [...equal, ...(conditions ?? [])].entries()) {
    runs.setParameter(`name${i}`, condition.name);
    if (condition.is === 'in') whereOneOf(runs, condition, i);
    else whereOrdered(runs, condition, i);
  }
}

function whereOneOf(
  runs: SelectQueryBuilder<Run>,
  { name, values }: Extract<AttributeCondition, { is: 'in' }>,
  i: number,
): void {
  // The index knows what is contained; equal is what was asked for.
  runs.andWhere(`run.attributes @> any(cast(:contained${i} as jsonb[]))`, {
    [`contained${i}`]: values.map((value) => JSON.stringify({ [name]: value })),
  });
  runs.andWhere(`run.attributes -> cast(:name${i} as text) = any(cast(:values${i} as jsonb[]))`, {
    [`values${i}`]: values.map((value) => JSON.stringify(value)),
  });
}

/** No index has an order of attributes: what the other conditions leave is looked at. */
function whereOrdered(
  runs: SelectQueryBuilder<Run>,
  { is, value }: Exclude<AttributeCondition, { is: 'in' }>,
  i: number,
): void {
  const kind = typeof value === 'number' ? 'number' : 'string';
  const text = `(run.attributes ->> cast(:name${i} as text))`;
  const [left, right] =
    kind === 'number'
      ? [`cast(${text} as numeric)`, `cast(:bound${i} as numeric)`]
      : [`${text} collate "C"`, `cast(:bound${i} as text)`];
  // In a `case`, for what stands beside an `and` may be computed first, and a text is no number.
  runs.andWhere(
    `case when jsonb_typeof(run.attributes -> cast(:name${i} as text)) = '${kind}' then ${left} ${is} ${right} else false end`,
    { [`bound${i}`]: value },
  );
}
