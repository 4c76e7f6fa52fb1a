import { setImmediate } from 'node:timers';
import type { CodeFrame } from '../../core/index.js';
import { callSite } from '../process/call-site.js';

/** How a second execution sees the clock and chance (F30). Durations in ms. */
interface Skew {
  readonly shift: number;
  /** Added with every look: time that is measured must differ, too. */
  readonly perLook: number;
  /** What numbers begin with; from there on low and high ones take turns, so that a loop for one of them ends. */
  readonly chance: 'low' | 'high';
}

const DAY = 86_400_000;

/**
 * A clock that is only ahead finds no code that asks whether something is over, one that is a whole number of days away
 * none that asks for the hour: between them they leave little.
 */
const SKEWS: readonly Skew[] = [
  { shift: 1_234 * DAY + 49_037_337, perLook: 3_600_011, chance: 'low' },
  { shift: -(20_123 * DAY + 11_111_111), perLook: 1, chance: 'high' },
  { shift: 12 * 3_600_000 + 1, perLook: 101, chance: 'low' },
  { shift: -(183 * DAY + 1), perLook: 60_001, chance: 'high' },
];

/** So many different worlds can be tried. */
export const WORLDS = SKEWS.length;

type Restore = () => void;

/**
 * Another world for the code of one run: another time, other random numbers. Only while a window of that run is open, or a
 * condition of it is looked at; nothing else of the process runs then (F1), and everything else sees the true ones.
 */
export class OtherWorld implements CodeFrame {
  readonly #realms: readonly Realm[];
  readonly #skew: Skew;
  #restores: Restore[] = [];
  #looks = 0;
  #firstLook: string | null = null;

  /** @param code something that the run's code made: test runners give it globals of its own */
  constructor(world: number, code: object | null) {
    this.#skew = SKEWS[world % WORLDS]!;
    this.#realms = realmsOf(code);
  }

  /** What was read first, and where; `null`: nothing. */
  get firstLook(): string | null {
    return this.#firstLook;
  }

  begin(): void {
    if (this.#restores.length > 0) return;
    for (const realm of this.#realms) this.#enter(realm);
  }

  end(): void {
    // The last one first: it may have replaced something inside of what an earlier one put there.
    for (const restore of this.#restores.splice(0).toReversed()) restore();
  }

  #enter(realm: Realm): void {
    const { Date: TrueDate, Math: math, performance, process } = realm;
    const trueNow = TrueDate.now.bind(TrueDate);
    const date = this.#dateOf(TrueDate, trueNow);
    this.#put(TrueDate, 'now', () => this.#look('Date.now()') + trueNow());
    this.#put(TrueDate.prototype, 'constructor', date);
    this.#put(realm, 'Date', date);
    this.#put(math, 'random', () => this.#random());
    if (performance) {
      const now = performance.now.bind(performance);
      this.#put(performance, 'now', () => this.#look('performance.now()') + now());
    }
    if (process) this.#put(process, 'hrtime', this.#hrtimeOf(process));
  }

  /** Code may keep this `Date` for later: outside of the run's windows it tells the true time. */
  #dateOf(TrueDate: DateConstructor, trueNow: () => number): DateConstructor {
    const isHere = (): boolean => this.#restores.length > 0;
    const shifted = (): number => this.#look('new Date()') + trueNow();
    return new Proxy(TrueDate, {
      construct: (target, args, newTarget) =>
        // A constructor makes objects.
        Reflect.construct(target, args.length === 0 && isHere() ? [shifted()] : args, newTarget) as object,
      apply: (target, self, args) =>
        isHere() ? String(new target(shifted())) : (Reflect.apply(target, self, args) as string),
    });
  }

  #hrtimeOf(process: NodeJS.Process): NodeJS.HRTime {
    const { hrtime } = process;
    const shift = (): bigint => BigInt(Math.round(this.#look('process.hrtime()') * 1e6));
    const shifted = (before?: [number, number]): [number, number] => {
      const time = hrtime.bigint() + shift();
      const since = before ? time - (BigInt(before[0]) * 1_000_000_000n + BigInt(before[1])) : time;
      return [Number(since / 1_000_000_000n), Number(since % 1_000_000_000n)];
    };
    return Object.assign(shifted, { bigint: () => hrtime.bigint() + shift() });
  }

  #look(what: string): number {
    this.#firstLook ??= `${what}${callSite()}`;
    return this.#skew.shift + this.#skew.perLook * this.#looks++;
  }

  #random(): number {
    this.#firstLook ??= `Math.random()${callSite()}`;
    const isLow = (this.#looks++ % 2 === 0) === (this.#skew.chance === 'low');
    // Never the same number twice, so that a loop that draws until a number is new ends.
    const step = (this.#looks % 100_000) * 1e-7;
    return isLow ? 0.000_123 + step : 0.999_877 - step;
  }

  /** What cannot be replaced is left as it is: reading it is not found then. */
  #put(target: object, key: string, value: unknown): void {
    const before = Object.getOwnPropertyDescriptor(target, key);
    try {
      Object.defineProperty(target, key, { value, writable: true, configurable: true, enumerable: false });
    } catch {
      return;
    }
    this.#restores.push(() => {
      // The code may have put something of its own there: fake timers, for instance.
      if (Reflect.get(target, key) !== value) return;
      if (before) Object.defineProperty(target, key, before);
      else Reflect.deleteProperty(target, key);
    });
  }
}

/** The globals that tell the time, or chance. */
interface Realm {
  readonly Date: DateConstructor;
  readonly Math: Math;
  readonly performance?: { now(): number } | undefined;
  readonly process?: NodeJS.Process | undefined;
}

/** Ours, the process's, and that of the code: under a test runner they differ. */
function realmsOf(code: object | null): readonly Realm[] {
  const realms = new Set<Realm>([globalThis]);
  for (const ofRealm of [setImmediate as object, code?.constructor]) {
    try {
      // The `Function` of the realm. No text from outside is evaluated, and the function returns that realm's global.
      // oxlint-disable-next-line typescript/no-implied-eval
      const realm = (ofRealm?.constructor as FunctionConstructor | undefined)?.('return globalThis')() as
        Realm | undefined;
      if (realm) realms.add(realm);
    } catch {
      // A process in which code cannot be made of text: this realm is left as it is.
    }
  }
  return [...realms];
}
