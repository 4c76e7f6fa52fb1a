import { describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { BLOCK_DELAY, LOST_TURN_DELAY, SUSPECT_DELAY } from '../../lib/journal/rules/deaths.js';
import { delayOf, delaySql } from '../../lib/journal/rules/growing-delay.js';
import { createSchema } from '../support/database.js';

/** Up to the largest number that the column can hold. */
const TIMES = [...Array.from({ length: 70 }, (_, i) => i), 1_000, 2 ** 31 - 1];

describe('a delay that grows, in SQL and in TypeScript', () => {
  it.each(Object.entries({ LOST_TURN_DELAY, SUSPECT_DELAY, BLOCK_DELAY }))(
    '%s is the same, however often it was',
    async (_, delay) => {
      const { url, drop } = await createSchema();
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      try {
        const { rows } = await client.query<{ ms: number }>(
          `select (date_part('epoch', ${delaySql(delay, 'times')}) * 1000)::float8 as ms
           from unnest($1::int[]) with ordinality as one(times, place)
           order by place`,
          [TIMES],
        );
        expect(rows.map(({ ms }) => ms)).toEqual(TIMES.map((times) => delayOf(delay, times)));
      } finally {
        await client.end();
        await drop();
      }
    },
  );
});
