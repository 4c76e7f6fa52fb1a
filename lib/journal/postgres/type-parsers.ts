import type { CustomTypesConfig } from 'pg';

// What the driver makes of a column. The journal has parsers of its own: those of the driver are one set for the whole
// process, and an application may have replaced them.

type Parser = (text: string) => unknown;

const BOOL = 16;
const INT8 = 20;
const INT2 = 21;
const INT4 = 23;
const OID = 26;
const JSON_TEXT = 114;
const FLOAT8 = 701;
const TIMESTAMPTZ = 1184;
const JSONB = 3802;

const asText: Parser = (text) => text;
/** As DateStyle ISO writes it in UTC, which the sessions of the journal are set to. */
const asDate: Parser = (text) => new Date(text.replace(' ', 'T').replace(/\+00$/, 'Z'));

/** No bigint of ours comes near what a number can hold. */
const SCALARS: readonly (readonly [oid: number, parser: Parser])[] = [
  [BOOL, (text) => text === 't'],
  [INT2, Number],
  [INT4, Number],
  [INT8, Number],
  [OID, Number],
  [FLOAT8, Number],
];

/** Of the statements of the journal, on whose connection ever: JSON is the text it is, for the codec to say what it means. */
export const STATEMENT_TYPES = typesOf(SCALARS);

/** Of what TypeORM asks on the connections of the journal: what an entity is made of. */
export const ENTITY_TYPES = typesOf([
  ...SCALARS,
  [JSON_TEXT, JSON.parse],
  [JSONB, JSON.parse],
  [TIMESTAMPTZ, asDate],
]);

function typesOf(known: readonly (readonly [oid: number, parser: Parser])[]): CustomTypesConfig {
  const parsers = new Map(known);
  // The cast: the driver's type says what each of its own parsers makes of a column.
  return {
    getTypeParser: ((oid: number) => parsers.get(oid) ?? asText) as CustomTypesConfig['getTypeParser'],
  };
}
