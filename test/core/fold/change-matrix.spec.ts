import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { NonDeterminismError } from '../../../lib/core/index.js';
import type { Fold, HistoryEvent } from '../../../lib/core/index.js';
import { Workflow } from '../../../lib/nest/index.js';
import { Bill, childCompleted } from '../../support/children-kit.js';
import {
  completed,
  Deliver,
  drive,
  fired,
  refold,
  Ship,
  signal,
  started,
  workflow,
} from '../../support/fold-kit.js';
import type { Steps } from '../../support/fold-kit.js';

@Workflow({ name: 'renamed', version: 3 })
class Renamed extends Bill {}
@Workflow({ name: 'invoice', aliases: ['bill'], version: 3 })
class Invoice extends Bill {}

/*
 * What becomes of open runs when code is changed under them. A run has done `first` and `second` and waits for `third`;
 * then its code is another. A kind of call is a column, a change is a row: docs/versions-and-patches.md shows the table.
 */

/** `alias`: the name, and the old one is given as an alias. */
type Part = 'name' | 'alias' | 'arguments' | 'options';
type Call = (steps: Steps, label: number, other?: Part) => Promise<unknown>;

/** What each kind of call has, how it is made, and made differently, and how it is ended in the history. */
const KINDS: Readonly<
  Record<
    string,
    { readonly has: readonly Part[]; readonly call: Call; readonly ends: (id: number) => HistoryEvent | null }
  >
> = {
  activities: {
    has: ['name', 'alias', 'arguments', 'options'],
    call: ({ ctx, act }, label, other) => {
      if (other === 'alias') return ctx.run(Deliver, label);
      if (other === 'options') return ctx.run(Ship, label, { timeout: '7s' });
      return other === 'name'
        ? act('renamed', label)
        : act('Ship', other === 'arguments' ? label + 100 : label);
    },
    ends: (id) => completed(id, id),
  },
  timers: {
    has: ['name', 'arguments'],
    call: ({ ctx }, label, other) => {
      if (other === 'name') return ctx.condition(() => false, label);
      return ctx.sleep(other === 'arguments' ? label + 100 : label);
    },
    ends: (id) => fired(id),
  },
  'side effects': {
    has: ['name'],
    call: async ({ ctx, act }, label, other) => {
      ctx.sideEffect(() => label, other === 'name' ? 'renamed' : 'drawn');
      return act('pause');
    },
    ends: (id) => completed(id + 1, id),
  },
  signals: {
    has: ['name', 'options'],
    call: ({ ctx }, label, other) => {
      const name = other === 'name' ? 'renamed' : 'sent';
      return other === 'options' ? ctx.waitForSignal(name, { timeout: label }) : ctx.waitForSignal(name);
    },
    ends: (id) => signal('sent', id),
  },
  children: {
    has: ['name', 'alias', 'arguments', 'options'],
    call: ({ ctx }, label, other) => {
      if (other === 'name') return ctx.child(Renamed, label);
      if (other === 'alias') return ctx.child(Invoice, label);
      if (other === 'options')
        return ctx.child(Bill, label, { parentClose: 'abandon', runTimeout: '1 day', id: `child ${label}` });
      return ctx.child(Bill, other === 'arguments' ? label + 100 : label);
    },
    ends: (id) => childCompleted(id, id),
  },
};

type Code = (steps: Steps, call: Call) => Promise<unknown>;
const original: Code = async (steps, call) => {
  await call(steps, 1);
  await call(steps, 2);
  return call(steps, 3);
};

/** What the code is changed to, and what becomes of the run: for each kind in the order of {@link KINDS}. */
const CHANGES: readonly [change: string, code: Code, outcomes: readonly Outcome[]][] = [
  [
    'insert a call before',
    async (s, call) => {
      await s.act('fresh');
      return original(s, call);
    },
    ['drift', 'drift', 'drift', 'drift', 'drift'],
  ],
  [
    'insert a call behind the end of the history',
    async (s, call) => {
      await original(s, call);
      return s.act('fresh');
    },
    ['goes on', 'goes on', 'goes on', 'goes on', 'goes on'],
  ],
  [
    'remove a call',
    async (s, call) => {
      await call(s, 1);
      return call(s, 3);
    },
    ['drift', 'drift', 'drift', 'drift', 'drift'],
  ],
  [
    'swap two calls',
    async (s, call) => {
      await call(s, 2);
      await call(s, 1);
      return call(s, 3);
    },
    ['told', 'told', 'goes on', 'goes on', 'told'],
  ],
  [
    'rename',
    async (s, call) => {
      await call(s, 1, 'name');
      await call(s, 2, 'name');
      return call(s, 3);
    },
    ['drift', 'drift', 'drift', 'goes on', 'drift'],
  ],
  [
    'rename, with the old name as an alias',
    async (s, call) => {
      await call(s, 1, 'alias');
      await call(s, 2, 'alias');
      return call(s, 3, 'alias');
    },
    ['goes on', '–', '–', '–', 'goes on'],
  ],
  [
    'change arguments',
    async (s, call) => {
      await call(s, 1, 'arguments');
      await call(s, 2, 'arguments');
      return call(s, 3);
    },
    ['told', 'told', '–', '–', 'told'],
  ],
  [
    'change options',
    async (s, call) => {
      await call(s, 1, 'options');
      await call(s, 2, 'options');
      return call(s, 3);
    },
    ['goes on', '–', '–', 'drift', 'goes on'],
  ],
  [
    'add an await of something that is there',
    async (s, call) => {
      await call(s, 1);
      await Promise.resolve();
      await call(s, 2);
      return call(s, 3);
    },
    ['goes on', 'goes on', 'goes on', 'goes on', 'goes on'],
  ],
  [
    'move into a helper',
    async (s, call) => {
      const helper = async (label: number): Promise<unknown> => {
        const result = await call(s, label);
        return result;
      };
      await helper(1);
      await helper(2);
      return helper(3);
    },
    ['goes on', 'goes on', 'goes on', 'goes on', 'goes on'],
  ],
  [
    'insert behind a patch',
    async (s, call) => {
      if (s.ctx.patched('p')) await s.act('fresh');
      return original(s, call);
    },
    ['goes on', 'goes on', 'goes on', 'goes on', 'goes on'],
  ],
  [
    'deprecate a patch that was not there',
    async (s, call) => {
      s.ctx.deprecatePatch('p');
      return original(s, call);
    },
    ['goes on', 'goes on', 'goes on', 'goes on', 'goes on'],
  ],
  [
    'loop once more',
    async (s, call) => {
      for (const label of [1, 2, 3, 4]) await call(s, label);
    },
    ['goes on', 'goes on', 'goes on', 'goes on', 'goes on'],
  ],
];

/** `told`: the run goes on with what is recorded, and the fold counts that arguments differ. `–`: this kind has no such thing. */
type Outcome = 'drift' | 'told' | 'goes on' | '–';

const outcomeOf = ({ fault, changedArguments, reordered }: Fold): Outcome => {
  if (fault !== null) {
    expect(fault).toBeInstanceOf(NonDeterminismError);
    return 'drift';
  }
  return changedArguments + reordered > 0 ? 'told' : 'goes on';
};

/** A history of two calls that have ended, and a third one under way. */
async function historyOf(kind: string) {
  const { call, ends } = KINDS[kind]!;
  const perCall = kind === 'side effects' ? 2 : 1;
  const events = [0, 1].flatMap((n) => ends(n * perCall) ?? []);
  return drive(
    workflow((steps) => original(steps, call)),
    [started(), ...events],
  );
}

describe('the change matrix', () => {
  const kinds = Object.keys(KINDS);

  it.each(CHANGES)('F7, F18: %s', async (_change, code, outcomes) => {
    const found: Record<string, Outcome> = {};
    for (const kind of kinds) {
      const { history } = await historyOf(kind);
      const { call, has } = KINDS[kind]!;
      let isThere = true;
      const changed = workflow((steps) =>
        code(steps, (s, label, other) => {
          if (other !== undefined && !has.includes(other)) isThere = false;
          return call(s, label, other);
        }),
      );
      const outcome = outcomeOf(await refold(changed, history, { strict: false }));
      found[kind] = isThere ? outcome : '–';
    }
    expect(found).toEqual(Object.fromEntries(kinds.map((kind, i) => [kind, outcomes[i]])));
  });

  it('F18: to remove a patch that the run has met is drift, to deprecate it is none', async () => {
    const patched = (how: 'asked' | 'deprecated' | 'removed') =>
      workflow(async (steps) => {
        const { ctx, act } = steps;
        if (how === 'asked' && ctx.patched('p')) await act('fresh');
        if (how === 'deprecated') {
          ctx.deprecatePatch('p');
          await act('fresh');
        }
        return original(steps, KINDS['activities']!.call);
      });
    const { history } = await drive(patched('asked'), [started(), completed(0)]);
    expect(outcomeOf(await refold(patched('deprecated'), history, { strict: false }))).toBe('goes on');
    expect(outcomeOf(await refold(patched('removed'), history, { strict: false }))).toBe('drift');
  });

  it('is what docs/versions-and-patches.md shows', () => {
    const page = readFileSync(new URL('../../../docs/versions-and-patches.md', import.meta.url), 'utf8');
    for (const [change, , outcomes] of CHANGES) {
      const row = page.split('\n').find((line) => line.startsWith(`| ${change} `));
      const cells = row
        ?.split('|')
        .slice(2, -1)
        .map((cell) => cell.trim());
      expect([change, cells]).toEqual([change, outcomes]);
    }
  });

  it('F7: the report names the line of the code, what was recorded and when, and up to where both agree', async () => {
    const { history } = await drive(
      workflow((steps) => original(steps, KINDS['activities']!.call)),
      [started(undefined, 1_000), completed(0, null, 2_000)],
    );
    const changed = workflow(async ({ ctx, act }) => {
      await act('Ship', 1);
      await ctx.sleep(5);
    });
    // Who drives the fold finds the line: test/e2e/deploys.pg-spec.ts shows it for a whole application.
    const callSite = () => ' at OrderWorkflow.run (order.workflow.ts:31:40)';
    const { fault } = await refold(changed, history, { strict: false, callSite });
    expect(fault).toMatchObject({
      recorded: 'activity_scheduled Ship',
      asked: 'timer_started sleep',
      recordedAt: 2_000,
      agreedUpTo: 3,
      site: 'OrderWorkflow.run (order.workflow.ts:31:40)',
    });
    expect(fault?.message).toContain(
      'Recorded as entry 4: activity_scheduled Ship (1970-01-01T00:00:02.000Z).',
    );
    expect(fault?.message).toContain(
      'Asked for now: timer_started sleep at OrderWorkflow.run (order.workflow.ts:31:40).',
    );
    expect(fault?.message).toContain('They agree up to entry 3.');
  });
});
