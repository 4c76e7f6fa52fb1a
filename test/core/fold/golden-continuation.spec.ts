import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import type { ChooseSuccessor, Fold, HistoryEntry, HistoryEvent } from '../../../lib/core/index.js';
import { SEMANTICS_VERSION } from '../../../lib/core/index.js';
import { accepted, cancel, codec, completed, drive, fired, refold } from '../../support/fold-kit.js';
import { signal, started, workflow } from '../../support/fold-kit.js';

/*
 * Histories of runs that continue, and of those that they continue as, recorded once: they replay strictly to the state that
 * they had, and hand over what they did (F29). As those of golden-histories.spec.ts they are never recorded anew for a
 * semantics version: CONTINUUM_RECORD_HISTORIES=1 npx jest golden-continuation
 */
interface Golden {
  readonly name: string;
  readonly history: readonly HistoryEntry[];
  readonly state: unknown;
}

const FILE = new URL(`../../histories/continuation-v${SEMANTICS_VERSION}.json`, import.meta.url);
const chooseSuccessor: ChooseSuccessor = (_, version) => ({ runId: 'the next run', version: version ?? 2 });

const schema = {
  '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) },
} as const;

const PROGRAMS = {
  'an account that bills by the month': workflow(async ({ ctx, act }, month: number) => {
    const used: unknown[] = [];
    while (used.length < 2) used.push(await ctx.waitForSignal('used'));
    await act('pay', used);
    return ctx.continueAsNew({ month: month + 1, suggested: ctx.info.continueAsNewSuggested });
  }),
  'one that finishes what it must, and is cancelled too late': workflow(
    async ({ ctx, act }) => {
      void ctx.nonCancellable(() => act('audit'));
      void act('left behind');
      await ctx.condition(() => false, '1h');
      return ctx.continueAsNew(new Date(7));
    },
    { signals: { go: (_: unknown, { ctx }) => ctx.continueAsNew('by a handler') } },
  ),
  'the next one, with what came along': workflow(async ({ ctx }) => {
    const first = await ctx.waitForSignal({ name: 'used', schema });
    const second = await ctx.waitForSignal({ name: 'used', schema });
    const drawn = [ctx.random(), ctx.uuid(), ctx.info.historyLength, ctx.info.continueAsNewSuggested];
    return [first, second, ...drawn, ctx.info.input, ctx.info.startedAt];
  }),
};

const EVENTS: Readonly<Record<keyof typeof PROGRAMS, readonly HistoryEvent[]>> = {
  'an account that bills by the month': [
    started(3, 5),
    signal('other', 'nobody takes it', false, 6),
    signal('used', 1, false, 7),
    signal('used', new Map([[1, 2n]]), false, 8),
    signal('used', 'for the next one', false, 9),
    completed(0, 'paid', 10),
  ],
  'one that finishes what it must, and is cancelled too late': [
    started(undefined, 5),
    signal('go', 1, true, 6),
    signal('go', 2, false, 6),
    cancel('too late', 7),
    fired(2, 3_600_005),
    completed(0, null, 3_600_006),
  ],
  'the next one, with what came along': [
    {
      ...(started({ month: 4 }, 5) as Extract<HistoryEvent, { type: 'run_started' }>),
      continueAfter: { entries: 4, bytes: 1_000_000 },
      continuedFrom: 'the last run',
      signals: [
        { name: 'used', payload: codec.encode(1), checked: true },
        { name: 'used', payload: codec.encode(2) },
      ],
    },
    signal('used', 3, false, 6),
    accepted('used', -2, 'two', 7),
  ],
};

const stateOf = (fold: Fold): unknown => ({
  snapshot: fold.snapshot(),
  signals: fold.untakenSignals,
  cancel: fold.lateCancel,
});

async function record(): Promise<void> {
  const lines: string[] = [];
  for (const [name, program] of Object.entries(PROGRAMS)) {
    // The cast: both have the same names.
    const events = EVENTS[name as keyof typeof PROGRAMS];
    const { history, fold } = await drive(program, events, { chooseSuccessor });
    if (fold.fault) throw fold.fault;
    lines.push(JSON.stringify({ name, history, state: stateOf(fold) }));
  }
  await writeFile(FILE, `[\n${lines.join(',\n')}\n]\n`, { flag: 'wx' });
}

describe('golden histories of runs that continue', () => {
  it('F29: replay strictly, to the state they had', async () => {
    if (process.env['CONTINUUM_RECORD_HISTORIES'] && !existsSync(FILE)) await record();
    const all = JSON.parse(await readFile(FILE, 'utf8')) as readonly Golden[];
    expect(all.map(({ name }) => name)).toEqual(Object.keys(PROGRAMS));
    for (const { name, history, state } of all) {
      const fold = await refold(PROGRAMS[name as keyof typeof PROGRAMS], history);
      expect([name, fold.fault, fold.seq]).toEqual([name, null, history.length]);
      expect(JSON.parse(JSON.stringify(stateOf(fold)))).toMatchObject(state as object);
    }
  });
});
