/** What a parameter can be: an array goes as a Postgres array literal (see array-literals.ts). */
export type Parameter = string | number | boolean | null;
export type Values = Readonly<Record<string, Parameter>>;
/** Of a statement without parameters. */
export type NoValues = Readonly<Record<string, never>>;

/**
 * One SQL statement of this adapter. Its text names its parameters `:likeThis`; `V` are their names and types, `Row` is
 * a row of its answer.
 */
export interface Statement<V extends Values, Row> {
  readonly name: string;
  /** Whether a lost answer leaves the caller in doubt. */
  readonly effect: 'read' | 'write';
  readonly textFor: (schema: string) => string;
  /** Never there: it carries the types. */
  readonly types?: { readonly values: V; readonly row: Row };
}

/** A statement that changes nothing. */
export const query = <V extends Values, Row>(
  name: string,
  textFor: (schema: string) => string,
): Statement<V, Row> => ({ name, effect: 'read', textFor });

/** A statement that writes. */
export const command = <V extends Values, Row>(
  name: string,
  textFor: (schema: string) => string,
): Statement<V, Row> => ({ name, effect: 'write', textFor });

// Statements reach stored tables from arrays through LATERAL, one key look-up for each element. Where nothing else keeps
// the planner from turning such a look-up into a join over the whole table, its `limit 1` does.
//
// Rows of the inbox are deleted by their place: nobody moves them, the actor's lock keeps others away, and an inbox that
// was empty when a plan was made, as it mostly is, would else be scanned whole.
//
// `(a = b) is true` is a condition that no index is looked up by. It stands where a plan made on small tables could
// like another index better than the one that is meant: runs of a workflow id are not looked for in the whole namespace,
// nor one lease among all of its owner's.

/** How a statement treats rows that somebody else has locked: it passes over them, or waits. */
export type Lock = 'skip locked' | '';

/** A statement for one schema, as the driver wants it. */
export interface CompiledStatement {
  readonly text: string;
  /** The parameter `parameters[i]` is `$i+1`. */
  readonly parameters: readonly string[];
}

export function compile(textFor: (schema: string) => string, schema: string): CompiledStatement {
  const parameters: string[] = [];
  // A name after one colon. Two colons are a cast.
  const text = textFor(schema).replaceAll(/(?<!:):([a-z]\w*)/gi, (_, name: string) => {
    if (!parameters.includes(name)) parameters.push(name);
    return `$${parameters.indexOf(name) + 1}`;
  });
  return { text, parameters };
}

/** Where statements run: on the journal's pool, in a transaction of its own, or in its caller's. */
export interface StatementRunner {
  run<V extends Values, Row>(statement: Statement<V, Row>, values: V): Promise<Row[]>;
}
