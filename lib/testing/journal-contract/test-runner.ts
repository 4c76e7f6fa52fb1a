/**
 * The test functions that the suite runs on, handed in by the spec: those of Jest and of Vitest both fit. So the
 * suite loads anywhere, and needs no globals.
 */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => void;
  readonly it: (name: string, body: () => Promise<void>, timeout?: number) => void;
  readonly expect: Expect;
}

/** Of `expect`, what the suite uses. */
export type Expect = (actual: unknown) => Assertions;

export interface Assertions {
  toBe(expected: unknown): void;
  toEqual(expected: unknown): void;
  toMatchObject(expected: object): void;
  toMatch(expected: RegExp | string): void;
  toContain(expected: unknown): void;
  toHaveLength(expected: number): void;
  toBeNull(): void;
  toBeGreaterThan(expected: number): void;
  toBeGreaterThanOrEqual(expected: number): void;
  toBeLessThan(expected: number): void;
  toBeLessThanOrEqual(expected: number): void;
  readonly rejects: {
    toBeInstanceOf(expected: unknown): Promise<void>;
    toThrow(expected: RegExp | string): Promise<void>;
    toBe(expected: unknown): Promise<void>;
  };
}
