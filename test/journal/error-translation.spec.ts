import { describe, expect, it } from '@jest/globals';
import { QueryFailedError, TypeORMError } from 'typeorm';
import { JournalError, JournalUnavailableError } from '../../lib/journal/index.js';
import { type Moment, translateError } from '../../lib/journal/postgres/error-translation.js';

describe('an error without an SQLSTATE', () => {
  const MOMENTS: readonly Moment[] = ['connect', 'read', 'write'];
  const socket = (code: string): Error => Object.assign(new Error(`read ${code}`), { code, syscall: 'read' });

  it.each([
    new TypeError("Cannot read properties of undefined (reading 'getTime')"),
    new RangeError('Invalid time value'),
    new SyntaxError('Unexpected token'),
    new ReferenceError('x is not defined'),
    Object.assign(new TypeError('Invalid URL'), { code: 'ERR_INVALID_URL' }),
    new TypeORMError('No metadata'),
    new QueryFailedError('select 1', [], new TypeError('wrapped')),
  ])('of the language or of TypeORM does not mean that the database is away: %s', (error) => {
    for (const moment of MOMENTS) {
      const translated = translateError(error, moment, 'here');
      expect(translated).toBeInstanceOf(JournalError);
      expect(translated).not.toBeInstanceOf(JournalUnavailableError);
      expect(translated.message).toContain('failed in this process');
      expect(translated.message.includes('may have been written')).toBe(moment === 'write');
      expect(translated.ambiguous).toBe(moment === 'write');
    }
  });

  it.each([
    socket('ECONNRESET'),
    socket('ECONNREFUSED'),
    socket('ETIMEDOUT'),
    socket('EPIPE'),
    socket('ENOTFOUND'),
    new AggregateError([socket('ECONNREFUSED')]),
    new Error('Connection terminated'),
    new Error('Connection terminated unexpectedly'),
    new Error('Connection terminated due to connection timeout'),
    new Error('Query read timeout'),
    new Error('timeout exceeded when trying to connect'),
    new Error('Client has encountered a connection error and is not queryable'),
    new Error('Cannot use a pool after calling end on the pool'),
    new TypeORMError('Driver not Connected'),
    new QueryFailedError('select 1', [], new Error('Connection terminated unexpectedly')),
  ])('of the connection does: %s', (error) => {
    for (const moment of MOMENTS) {
      const translated = translateError(error, moment, 'here');
      expect(translated).toBeInstanceOf(JournalUnavailableError);
      expect(translated).toMatchObject({ ambiguous: moment === 'write' });
    }
  });
});
