import { tableSizes } from './sql/table-sizes.js';
import type { StatementRunner } from './statement.js';

/**
 * Names the sizes of the tables, coarsely: it changes when one of them has grown fourfold. A plan that was made when a
 * table was empty can cost a hundredfold when it is not.
 */
export async function readPlanGeneration(sql: StatementRunner): Promise<string> {
  const sizes = await sql.run(tableSizes, {});
  return sizes.map(({ pages }) => `.${Math.floor(Math.log2(pages + 1) / 2)}`).join('');
}
