import { JournalError } from '../errors.js';
import { ANALYZE_TABLE, type PlannedTable } from './sql/analyze-table.js';
import { tableSizes } from './sql/table-sizes.js';
import type { StatementRunner } from './statement.js';

/**
 * Names the sizes of the tables, coarsely: it changes when one of them has grown fourfold. A plan that was made when a
 * table was empty can cost a hundredfold when it is not.
 *
 * @param known the generation of the plans so far. Where it has changed, tables that were counted while they were empty are
 *   counted anew. Of such a table Postgres expects no row however many pages it has by now, so that new plans would read it
 *   whole, until autovacuum comes by, which may take a minute.
 */
export async function readPlanGeneration(sql: StatementRunner, known = ''): Promise<string> {
  const sizes = await sql.run(tableSizes, {});
  const generation = sizes.map(({ pages }) => `.${Math.floor(Math.log2(pages + 1) / 2)}`).join('');
  if (generation === known) return known;
  for (const { relation, counted_as_empty: isMiscounted } of sizes)
    if (isMiscounted) await countAnew(sql, relation);
  return generation;
}

async function countAnew(sql: StatementRunner, table: PlannedTable): Promise<void> {
  try {
    await sql.run(ANALYZE_TABLE[table], {});
  } catch (error) {
    // It only helps: autovacuum does the same later. Mostly somebody else has the table locked, to count it as well.
    if (!(error instanceof JournalError)) throw error;
  }
}
