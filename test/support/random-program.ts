import type {
  ParentClose,
  RunBinding,
  WorkflowContext,
  WorkflowDefinition,
  WorkflowInstance,
} from '../../lib/core/index.js';
import { defineSignal, markWorkflow } from '../../lib/core/index.js';
import { activity } from './fold-kit.js';
import { Chance } from './random.js';

/*
 * Random workflows as JavaScript source: sequential, parallel, racing, nested and cancelled durable calls, with
 * handlers. One program can be rendered in several ways: plain, with extra microtask hops as a refactoring would add
 * them, and with a real change.
 */

type Statement =
  | { readonly kind: 'act'; readonly label: number; name: string; readonly arg: 'label' | 'x' | 'const' }
  | { readonly kind: 'sleep'; readonly label: number; readonly ms: number }
  | { readonly kind: 'set'; readonly label: number; readonly by: number }
  | { readonly kind: 'micro'; readonly label: number; readonly form: number }
  | {
      readonly kind: 'condition';
      readonly label: number;
      readonly at: number;
      readonly timeout: number | null;
    }
  | { readonly kind: 'waitForSignal' | 'latch'; readonly label: number; readonly ms: number }
  | { readonly kind: 'maybeThrow'; readonly label: number; readonly modulus: number }
  | {
      readonly kind: 'sideEffect' | 'random' | 'info' | 'onRollback' | 'commit' | 'compensate';
      readonly label: number;
    }
  | {
      readonly kind: 'child';
      readonly label: number;
      /** Awaited; by its handle; cancelled by that; or sent a signal by it. */
      readonly form: 'awaited' | 'handle' | 'cancelled' | 'told';
      readonly parentClose: ParentClose;
      readonly undoneBy: 'Ship' | 'UndoLayer' | null;
      /** One of few ids, so that another run may have it. */
      readonly id: string | null;
    }
  | {
      /** To another run: a signal, or a request to cancel. */
      readonly kind: 'message';
      readonly label: number;
      readonly to: string;
      readonly signal: string | null;
      readonly caught: boolean;
    }
  | { readonly kind: 'shown' | 'continue'; readonly label: number; readonly form: number }
  | {
      readonly kind: 'parallel';
      readonly label: number;
      readonly how: string;
      readonly branches: readonly Statement[][];
    }
  | { readonly kind: 'race'; readonly label: number; readonly branches: readonly Statement[][] }
  | {
      readonly kind: 'map';
      readonly label: number;
      readonly concurrency: number;
      readonly branches: readonly Statement[][];
    }
  | {
      /** Of a patch: the new way, and the old one. */
      readonly kind: 'tryCatch' | 'tryFinally' | 'float' | 'scopeCancel' | 'patch';
      readonly label: number;
      readonly body: Statement[];
      readonly other: Statement[];
    }
  | {
      readonly kind: 'if';
      readonly label: number;
      readonly modulus: number;
      readonly body: Statement[];
      readonly other: Statement[];
    }
  | { readonly kind: 'loop'; readonly label: number; readonly times: number; readonly body: Statement[] }
  | {
      readonly kind: 'helper' | 'cancellable' | 'nonCancellable' | 'saga';
      readonly label: number;
      readonly body: Statement[];
    }
  | { readonly kind: 'withTimeout'; readonly label: number; readonly ms: number; readonly body: Statement[] };

export interface RandomProgram {
  readonly seed: number;
  readonly run: Statement[];
  /** Of the asynchronous signal handler. */
  readonly handler: Statement[];
  readonly handlerCatches: boolean;
  readonly compensation: 'automatic' | 'manual';
  readonly rollbackOrder?: 'reverse' | 'parallel';
  readonly cleansUp: boolean;
}

class Generator {
  readonly #chance: Chance;
  /** Makes one kind of another. Apart, so that the programs of a seed keep their shape when a kind is added. */
  readonly #kinds: Chance;
  /** Puts what reaches other runs, or is shown, in the place of some leaves. */
  readonly #beyond: Chance;
  /** How many of the leaves are children. */
  readonly #children: number;
  #label = 0;

  constructor(chance: Chance, kinds: Chance, beyond: Chance, children: number) {
    this.#chance = chance;
    this.#kinds = kinds;
    this.#beyond = beyond;
    this.#children = children;
  }

  block(depth: number, size: number, inHandler: boolean): Statement[] {
    return Array.from({ length: size }, () => this.#statement(depth, inHandler));
  }

  #statement(depth: number, inHandler: boolean): Statement {
    const deep = depth > 0 && this.#chance.happens(0.55);
    if (deep) return this.#deep(depth, inHandler);
    const leaf = this.#leaf(inHandler);
    return this.#beyondInstead(leaf, inHandler) ?? leaf;
  }

  #beyondInstead({ label }: Statement, inHandler: boolean): Statement | null {
    const chance = this.#beyond;
    if (chance.happens(this.#children)) {
      const form = chance.pick(['awaited', 'awaited', 'handle', 'cancelled', 'told'] as const);
      const parentClose = chance.pick(['cancel', 'terminate', 'abandon'] as const);
      const undoneBy = chance.pick([null, null, 'Ship', 'UndoLayer'] as const);
      const id = chance.happens(0.2) ? `layer ${chance.below(3)}` : null;
      return { kind: 'child', label, form, parentClose, undoneBy, id };
    }
    const luck = chance.next();
    if (luck < 0.04) {
      const to = `layer ${chance.below(3)}`;
      const signal = chance.pick(['s0', 's1', 'w0', null]);
      return { kind: 'message', label, to, signal, caught: chance.happens(0.7) };
    }
    if (luck < 0.08) return { kind: 'shown', label, form: chance.below(4) };
    if (luck < 0.095 && !inHandler) return { kind: 'continue', label, form: chance.below(2) };
    return null;
  }

  #leaf(inHandler: boolean): Statement {
    const chance = this.#chance;
    const kinds = [
      'act',
      'act',
      'act',
      'sleep',
      'set',
      'micro',
      'condition',
      'maybeThrow',
      'random',
    ] as const;
    const more = ['sideEffect', 'info', 'waitForSignal', 'latch', 'onRollback'] as const;
    const rare = ['commit', 'compensate'] as const;
    const all = [...kinds, ...(inHandler ? more.slice(0, 2) : more)];
    const kind = !inHandler && chance.happens(0.02) ? chance.pick(rare) : chance.pick(all);
    const label = ++this.#label;
    switch (kind) {
      case 'act':
        return {
          kind,
          label,
          name: chance.pick(['a', 'b', 'pay', 'book']),
          arg: chance.pick(['label', 'x', 'const']),
        };
      case 'sleep':
      case 'waitForSignal':
      case 'latch':
        return { kind, label, ms: 1 + chance.below(60) };
      case 'set':
        return { kind, label, by: 1 + chance.below(2) };
      case 'micro':
        return { kind, label, form: chance.below(7) };
      case 'condition':
        return {
          kind,
          label,
          at: chance.below(6),
          timeout: chance.happens(0.8) ? 1 + chance.below(60) : null,
        };
      case 'maybeThrow':
        return { kind, label, modulus: 9 + chance.below(20) };
      case 'random':
      case 'sideEffect':
      case 'info':
      case 'onRollback':
      case 'commit':
      case 'compensate':
        return { kind, label };
      default:
        return kind satisfies never;
    }
  }

  #sideBySide(label: number, how: string, branches: readonly Statement[][]): Statement {
    return how === 'all' && this.#kinds.happens(0.4)
      ? { kind: 'map', label, concurrency: 1 + this.#kinds.below(3), branches }
      : { kind: 'parallel', label, how, branches };
  }

  /** By a value, or by whether the code was patched (F18). */
  #choice(label: number, modulus: number, body: Statement[], other: Statement[]): Statement {
    return this.#kinds.happens(0.4)
      ? { kind: 'patch', label, body, other }
      : { kind: 'if', label, modulus, body, other };
  }

  #deep(depth: number, inHandler: boolean): Statement {
    const chance = this.#chance;
    const body = (size = 1 + chance.below(3)) => this.block(depth - 1, size, inHandler);
    const label = ++this.#label;
    const kind = chance.pick([
      ...([
        'parallel',
        'parallel',
        'parallel',
        'tryCatch',
        'tryCatch',
        'tryFinally',
        'if',
        'loop',
        'float',
      ] as const),
      ...(['helper', 'cancellable', 'nonCancellable', 'withTimeout', 'scopeCancel', 'race'] as const),
    ]);
    switch (kind) {
      case 'parallel': {
        const how = chance.pick(['all', 'all', 'race', 'any', 'allSettled']);
        return this.#sideBySide(
          label,
          how,
          Array.from({ length: 2 + chance.below(3) }, () => body()),
        );
      }
      case 'race':
        return { kind, label, branches: Array.from({ length: 2 + chance.below(2) }, () => body()) };
      case 'tryCatch': {
        const [tried, other] = [body(), body(1)];
        const inSaga = this.#kinds.happens(0.5);
        return { kind, label, body: inSaga ? [{ kind: 'saga', label, body: tried }] : tried, other };
      }
      case 'tryFinally':
      case 'float':
      case 'scopeCancel':
        return { kind, label, body: body(), other: body(1) };
      case 'if':
        return this.#choice(label, 2 + chance.below(2), body(1), body(1));
      case 'loop':
        return { kind, label, times: 2 + chance.below(2), body: body(1 + chance.below(2)) };
      case 'withTimeout':
        return { kind, label, ms: 1 + chance.below(60), body: body() };
      case 'helper':
        return { kind: this.#kinds.happens(0.5) ? 'saga' : kind, label, body: body() };
      case 'cancellable':
      case 'nonCancellable':
        return { kind, label, body: body() };
      default:
        return kind satisfies never;
    }
  }
}

/** Where it stands in a tree of runs. */
export interface Layer {
  /** How many runs stand above it. Those below the root are smaller, and those two layers below it have no children. */
  readonly depth: number;
  /** How many of its leaves are children. */
  readonly children: number;
}
const ALONE: Layer = { depth: 0, children: 0.07 };

export function randomProgram(seed: number, layer: Layer = ALONE): RandomProgram {
  const chance = new Chance(seed);
  const beyond = new Chance(seed * 509 + 7);
  const children = layer.depth < 2 ? layer.children : 0;
  const generator = new Generator(chance, new Chance(seed * 6007 + 1), beyond, children);
  const [depth, size, inHandler] = layer.depth === 0 ? [3, 8, 2] : [2, 4, 1];
  return {
    seed,
    run: generator.block(depth, size / 2 + chance.below(size), false),
    handler: generator.block(inHandler, 1 + chance.below(3), true),
    handlerCatches: chance.happens(0.85),
    compensation: chance.happens(0.7) ? 'automatic' : 'manual',
    cleansUp: chance.happens(0.3),
    rollbackOrder: new Chance(seed * 811 + 3).happens(0.3) ? 'parallel' : 'reverse',
  };
}

// -------------------------------------------------------------------------------------------- rendering

/** Renders statements. With `hops`, calls go through extra helpers and awaits, as a harmless refactoring would add. */
class Renderer {
  readonly #hops: Chance | null;
  readonly #patched: boolean;
  readonly #marksSagas: boolean;

  /** @param patched whether the changes that patches stand for are made yet */
  constructor(hops: Chance | null, patched: boolean, marksSagas: boolean) {
    this.#hops = hops;
    this.#patched = patched;
    this.#marksSagas = marksSagas;
  }

  block(statements: readonly Statement[]): string {
    return statements.map((statement) => this.#statement(statement)).join('\n');
  }

  #code(statements: readonly Statement[]): string {
    return `async () => {\n${this.block(statements)}\n}`;
  }

  #value(label: number, call: string): string {
    return `${this.#pause()}{ const r = await ${this.#hopped(call)}; T(${label}, tell(r)); x = mix(x, r); }`;
  }

  #pause(): string {
    return this.#hops?.happens(0.2) ? 'await null; ' : '';
  }

  #hopped(call: string): string {
    if (!this.#hops || this.#hops.happens(0.4)) return call;
    return this.#hops.pick([
      `(async () => await ${call})()`,
      `(async () => { await null; return ${call}; })()`,
      `hop(() => ${call})`,
      `(async () => { const q = ${call}; await null; return q; })()`,
    ]);
  }

  #statement(s: Statement): string {
    switch (s.kind) {
      case 'act':
        return this.#value(s.label, `act('${s.name}', ${{ label: s.label, x: 'x % 7', const: 1 }[s.arg]})`);
      case 'sleep':
        return this.#value(s.label, `ctx.sleep(${s.ms})`);
      case 'set':
        return `${this.#pause()}self.n += ${s.by}; T(${s.label});`;
      case 'micro':
        return `${MICROTASKS[s.form]} T(${s.label});`;
      case 'condition':
        return this.#value(
          s.label,
          `ctx.condition(() => self.n >= ${s.at}${s.timeout === null ? '' : `, ${s.timeout}`})`,
        );
      case 'waitForSignal':
        return this.#value(
          s.label,
          `(async () => { const r = await ctx.waitForSignal(${s.label % 2 === 1 ? "'w1'" : s.label % 4 === 0 ? "'w0'" : 'W0'}, { timeout: ${s.ms} }); if (r !== undefined) T('took'); return r; })()`,
        );
      case 'latch':
        return this.#value(s.label, `Promise.race([self.latch.then(() => 1), ctx.sleep(${s.ms})])`);
      case 'maybeThrow':
        return `if (x % ${s.modulus} === 0) { T(${s.label}); throw new Error('e${s.label}'); }`;
      case 'sideEffect':
        return `${this.#pause()}{ const r = ctx.sideEffect(() => outside(), 'fx'); T(${s.label}, r); x = mix(x, r); }`;
      case 'random':
        return `${this.#pause()}T(${s.label}, Math.floor(ctx.random() * 1000), ctx.uuid().slice(0, 4), ctx.now().getTime());`;
      case 'info':
        return `T(${s.label}, ctx.info.historyLength, ctx.cancelRequested); ctx.log.log('${s.label}');`;
      case 'onRollback':
        return `ctx.onRollback(Ship, ${s.label}); T(${s.label});`;
      case 'commit':
        return `ctx.commit(); T(${s.label});`;
      case 'compensate':
        return `{ const r = await ctx.compensate(); T(${s.label}, r.complete); }`;
      case 'child':
        return this.#child(s);
      case 'message':
        return this.#message(s);
      case 'shown':
        return `${SHOWN[s.form]} T(${s.label}, JSON.stringify(ctx.info.attributes));`;
      case 'continue':
        return (
          `if (x % 2 === ${s.form} && left > 0) { T('continues'); ` +
          `return ctx.continueAsNew({ ...ctx.info.input, left: left - 1 }); }`
        );
      case 'parallel':
      case 'race':
      case 'map':
      case 'tryCatch':
      case 'tryFinally':
      case 'if':
      case 'loop':
      case 'float':
      case 'helper':
      case 'cancellable':
      case 'nonCancellable':
      case 'saga':
      case 'withTimeout':
      case 'scopeCancel':
      case 'patch':
        return this.#compound(s);
      default:
        return s satisfies never;
    }
  }

  #child({ label, form, parentClose, undoneBy, id }: Extract<Statement, { kind: 'child' }>): string {
    const options = `{ parentClose: '${parentClose}'${undoneBy === null ? '' : `, compensate: ${undoneBy}`}${id === null ? '' : `, id: '${id}'`} }`;
    if (form === 'awaited') return this.#value(label, `ctx.child(Layer, ${label}, ${options})`);
    const does = {
      handle: '',
      cancelled: 'h.cancel();',
      told: "await h.signal('s0', 1).catch((e) => { T(nameOf(e)); });",
    }[form];
    return `{ const h = await ${this.#hopped(`ctx.startChild(Layer, ${label}, ${options})`)}; ${does} ${this.#value(label, 'h.result()')} }`;
  }

  #message({ label, to, signal, caught }: Extract<Statement, { kind: 'message' }>): string {
    const other = `ctx.external(Layer, '${to}')`;
    const call = signal === null ? `${other}.cancel()` : `${other}.signal('${signal}', ${label})`;
    return this.#value(label, caught ? `${call}.catch((e) => nameOf(e).length)` : call);
  }

  /** In `run` it tells from where to where it went, so that what it left can be counted. In handlers two may go on at once. */
  #saga(label: number, body: readonly Statement[]): string {
    const call = `await ctx.saga(${this.#code(body)});`;
    if (!this.#marksSagas) return `${call} T(${label});`;
    const labels = [...JSON.stringify(body).matchAll(/"label":(\d+)/g)].map(([, number]) => Number(number));
    const mark = (what: string) =>
      `T('saga', ${label}, ${Math.max(label, ...labels)}, ${what}, ctx.info.historyLength)`;
    return `{ const from${label} = ctx.info.historyLength; try { ${call} } catch (e) { ${mark(`from${label}`)}; throw e; } T(${label}); }`;
  }

  #compound(s: Exclude<Statement, { kind: LeafKind }>): string {
    const T = `T(${s.label});`;
    switch (s.kind) {
      case 'parallel': {
        const branches = s.branches
          .map((b, i) => `(async () => { ${this.block(b)}\n return ${i}; })()`)
          .join(', ');
        return `{ const r = await Promise.${s.how}([${branches}]); T(${s.label}, Array.isArray(r) ? r.length : r); }`;
      }
      case 'map': {
        const branches = s.branches.map((b, i) => `async () => { ${this.block(b)}\n return ${i}; }`);
        return `{ const r = await ctx.map([${branches.join(', ')}], (f) => f(), { concurrency: ${s.concurrency} }); T(${s.label}, r); }`;
      }
      case 'race': {
        const branches = s.branches.map((b, i) => `b${i}: async () => { ${this.block(b)}\n return ${i}; }`);
        return `{ const r = await ctx.race({ ${branches.join(', ')} }); T(${s.label}, r.key, r.value); }`;
      }
      case 'tryCatch':
        return `try { ${this.block(s.body)}\n } catch (e) { T(${s.label}, nameOf(e)); ${this.block(s.other)}\n }`;
      case 'tryFinally':
        return `try { ${this.block(s.body)}\n } finally { ${T} ${this.block(s.other)}\n }`;
      case 'patch':
        return this.#patched
          ? `if (ctx.patched('p${s.label}')) { ${this.block(s.body)}\n } else { ${this.block(s.other)}\n }`
          : `{ ${this.block(s.other)}\n }`;
      case 'if':
        return `if (x % ${s.modulus} === 0) { ${this.block(s.body)}\n } else { ${this.block(s.other)}\n }`;
      case 'loop':
        return `for (let i${s.label} = 0; i${s.label} < ${s.times}; i${s.label}++) { ${T} ${this.block(s.body)}\n }`;
      case 'float':
        return `{ const p = (${this.#code(s.body)})(); p.catch(() => {}); ${this.block(s.other)}\n await p; ${T} }`;
      case 'helper':
        return `await (${this.#code(s.body)})(); ${T}`;
      case 'cancellable':
        return `await ctx.cancellable(${this.#code(s.body)}); ${T}`;
      case 'saga':
        return this.#saga(s.label, s.body);
      case 'nonCancellable':
        return `await ctx.nonCancellable(${protectedCode(this.block(s.body))}); ${T}`;
      case 'withTimeout':
        return `await ctx.withTimeout(${s.ms}, ${this.#code(s.body)}); ${T}`;
      case 'scopeCancel':
        return `await ctx.cancellable(async (scope) => { await Promise.all([(${this.#code(s.body)})(), (async () => {
          try { ${this.block(s.other)}\n } finally { scope.cancel(); ${T} } })()]); });`;
      default:
        return s satisfies never;
    }
  }
}

type LeafKind =
  | 'act'
  | 'sleep'
  | 'set'
  | 'micro'
  | 'condition'
  | 'waitForSignal'
  | 'latch'
  | 'maybeThrow'
  | 'sideEffect'
  | 'random'
  | 'info'
  | 'onRollback'
  | 'commit'
  | 'compensate'
  | 'child'
  | 'message'
  | 'shown'
  | 'continue';

/** Leaves a mark where a nonCancellable scope is entered and left. */
const protectedCode = (body: string): string =>
  `async () => { T('entered'); try { ${body}\n } finally { T('left'); } }`;

/** Waiting that is no I/O: it ends inside the window. */
const MICROTASKS = [
  'await null;',
  'await Promise.resolve(1);',
  'for await (const q of generated()) T(q);',
  'await new Promise((ok) => process.nextTick(ok));',
  'await new Promise((ok) => queueMicrotask(ok));',
  'await { then(ok) { ok(1); } };',
  'await Promise.all([null, (async () => { await null; })()]);',
];

const SHOWN = [
  'ctx.setAttributes({ a: x % 3 });',
  "ctx.setAttributes({ a: x % 2 === 0 ? null : 't', b: self.n });",
  'ctx.setDetails(`d${x % 3}`);',
  'ctx.setDetails(null); ctx.setAttributes({ b: undefined, c: [x % 2] });',
];

export function render(program: RandomProgram, hops: Chance | null = null, patched = true): string {
  const handler = new Renderer(hops, patched, false).block(program.handler);
  const run = new Renderer(hops, patched, true).block(program.run);
  const trail = 'const self = this, { ctx, act } = this.steps, T = (...a) => this.trail.push(a.join(":"));';
  return `
const mix = (x, r) => (Math.imul(x, 31) + (typeof r === 'number' ? r : r === true ? 3 : r === undefined ? 5 : 7)) & 0xffff;
const tell = (r) => typeof r === 'object' && r !== null ? 'o' + r.x : r;
const nameOf = (e) => (e?.name ?? typeof e) + (e?.message ?? '');
const hop = async (f) => { const r = await f(); return r; };
async function* generated() { yield 1; yield 2; }
return class Program${program.seed} {
  n = 0;
  trail = [];
  constructor(steps) {
    Object.defineProperty(this, 'steps', { value: steps });
    this.latch = new Promise((ok) => Object.defineProperty(this, 'open', { value: () => ok() }));
  }
  tell() { return this.trail; }
  s0(by) { this.n += by; this.trail.push('s0'); if (this.n > 3) this.open(); }
  async s1(arg) {
    ${trail}
    self.n++; T('s1', arg);
    ${program.handlerCatches ? 'try {' : ''} let x = self.n; ${handler}
    ${program.handlerCatches ? "} catch (e) { T('s1!', nameOf(e)); }" : ''}
    T('s1.'); self.n++;
  }
  u0(by) { this.n += by; this.trail.push('u0'); if (this.n % 5 === 4) throw new Error('u0'); return this.n; }
  async u1(arg) {
    ${trail}
    self.n++; T('u1', arg);
    ${program.handlerCatches ? 'try {' : ''} let x = self.n; ${handler}
    ${program.handlerCatches ? "} catch (e) { T('u1!', nameOf(e)); }" : ''}
    T('u1.'); return ++self.n;
  }
  async run(_context, input) {
    ${trail} const left = typeof input === 'number' ? 1 : (input?.left ?? 0);
    ${program.cleansUp ? 'try {' : ''} let x = self.n; ${run}
    return { x, trail: self.trail };
    ${program.cleansUp ? '} finally { await ctx.nonCancellable(' + protectedCode("T('end', await act('a', 'end'));") + '); }' : ''}
  }
}`;
}

type ProgramClass = new (steps: {
  ctx: WorkflowContext;
  act: (name: string, ...args: unknown[]) => Promise<unknown>;
}) => WorkflowInstance;

/**
 * The definition of a rendered program.
 *
 * @param outside what its side effects read
 */
export function compile(
  program: RandomProgram,
  outside: () => number,
  source: string = render(program),
): WorkflowDefinition {
  // Made of the seed alone; programs are text, so that one that fails can be read.
  // oxlint-disable-next-line typescript/no-implied-eval
  const make = new Function('outside', 'Ship', 'W0', 'Layer', 'UndoLayer', source) as (
    outside: () => number,
    ship: object,
    w0: object,
    layer: object,
    undoLayer: object,
  ) => ProgramClass;
  const Program = make(outside, Undo, W0, ChildLayer, UndoLayer);
  return {
    name: `program ${program.seed}`,
    version: 1,
    compensation: program.compensation,
    rollbackOrder: program.rollbackOrder,
    signals: new Set(['s0', 's1']),
    updates: new Map(['u0', 'u1'].map((name) => [name, { validator: null }])),
    queries: new Set(['tell']),
    activitiesOf: () => ({ name: 'Undo', activities: new Map([['execute', activity('undo')]]) }),
    construct: (binding: RunBinding) =>
      new Program({ ctx: binding.context, act: (name, ...args) => binding.schedule(activity(name), args) }),
  };
}

class Undo {}

/** Workflows by which children are asked for, and what undoes them. */
class ChildLayer {
  run(_ctx: WorkflowContext, _label: number): Promise<unknown> {
    return Promise.reject(new Error('A class stands for its workflow.'));
  }
}
markWorkflow(ChildLayer, { name: 'layer' });
class UndoLayer extends ChildLayer {}
markWorkflow(UndoLayer, { name: 'undo layer' });

/** A signal with a schema. What it says comes from the world: a fold never asks it (F34). */
const W0 = defineSignal('w0', {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: () => {
      throw new Error('A fold asks no schema.');
    },
  },
});

// --------------------------------------------------------------------------------------------- mutation

export type Mutation = 'rename' | 'remove' | 'insert' | 'swap';

/**
 * One real change of the code, at a call whose argument is its label: `null` when there is no place for it.
 *
 * @param wasCalled whether the history has a call with that name and label
 */
export function mutate(
  program: RandomProgram,
  how: Mutation,
  seed: number,
  wasCalled: (name: string, label: number) => boolean,
): RandomProgram | null {
  const copy = structuredClone(program);
  const places = blocksOf(copy.run).flatMap((list) =>
    list.map((statement, index) => ({ list, statement, index })),
  );
  const candidates = places.flatMap(({ list, statement, index }) =>
    statement.kind === 'act' &&
    statement.arg === 'label' &&
    // Other arguments are 6 at most: whose call it was could not be told.
    statement.label > 6 &&
    wasCalled(statement.name, statement.label) &&
    (how !== 'swap' || list[index + 1]?.kind === 'act') &&
    // One of the same name behind it takes its place: then only arguments have changed (F7).
    (how !== 'remove' || nameOf(list[index + 1]) !== statement.name)
      ? [{ list, statement, index }]
      : [],
  );
  if (candidates.length === 0) return null;
  const { list, statement, index } = new Chance(seed).pick(candidates);
  switch (how) {
    case 'rename':
      statement.name = 'renamed';
      break;
    case 'remove':
      list.splice(index, 1);
      break;
    case 'insert':
      list.splice(index, 0, { kind: 'act', label: 9000 + (seed % 100), name: 'fresh', arg: 'const' });
      break;
    case 'swap': {
      // There is one: only such places were candidates.
      const next = list[index + 1]!;
      [list[index], list[index + 1]] = [next, statement];
      break;
    }
    default:
      how satisfies never;
  }
  return copy;
}

const nameOf = (statement: Statement | undefined): string | null =>
  statement?.kind === 'act' ? statement.name : null;

function blocksOf(statements: Statement[]): Statement[][] {
  const inner = statements.flatMap((statement) => {
    if ('branches' in statement) return statement.branches.flatMap((branch) => blocksOf(branch));
    const other = 'other' in statement ? blocksOf(statement.other) : [];
    return 'body' in statement ? [...blocksOf(statement.body), ...other] : [];
  });
  return [statements, ...inner];
}
