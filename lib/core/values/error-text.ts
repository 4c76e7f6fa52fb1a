/** Stands for an error in the copy of a value: the text that the failure writer made of it. */
export class ErrorText {
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  /** So that it is not taken for a plain object. */
  get [Symbol.toStringTag](): string {
    return 'ErrorText';
  }

  static textOf(value: unknown): string | undefined {
    return typeof value === 'object' && value !== null && #text in value ? value.#text : undefined;
  }
}
