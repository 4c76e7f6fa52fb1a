import type { HistoryEntry } from '../../core/index.js';
import { NOWHERE, numberArray, textArray } from './array-literals.js';
import { toColumns } from './row-mapping.js';

/** The entries of several runs, turned into one array for each column. */
export class EntryArrays {
  readonly #seqs: number[] = [];
  readonly #types: string[] = [];
  readonly #commands: (number | null)[] = [];
  readonly #names: (string | null)[] = [];
  readonly #payloads: (string | null)[] = [];
  readonly #facts: (string | null)[] = [];
  #anyFacts = false;
  readonly #times: number[] = [];

  add(seq: number, entry: HistoryEntry): void {
    const columns = toColumns(entry);
    this.#seqs.push(seq);
    this.#types.push(columns.type);
    this.#commands.push(columns.command_id);
    this.#names.push(columns.name);
    this.#payloads.push(columns.payload);
    this.#facts.push(columns.facts);
    if (columns.facts !== null) this.#anyFacts = true;
    this.#times.push(columns.at);
  }

  get parameters(): EntryParameters {
    return {
      entrySeqs: numberArray(this.#seqs),
      entryTypes: textArray(this.#types),
      entryCommands: numberArray(this.#commands),
      entryNames: textArray(this.#names),
      entryPayloads: textArray(this.#payloads),
      entryFacts: this.#anyFacts ? textArray(this.#facts) : NOWHERE,
      entryTimes: numberArray(this.#times),
    };
  }
}

export interface EntryParameters {
  readonly entrySeqs: string;
  readonly entryTypes: string;
  readonly entryCommands: string;
  readonly entryNames: string;
  readonly entryPayloads: string;
  readonly entryFacts: string;
  readonly entryTimes: string;
}
