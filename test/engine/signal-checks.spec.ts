import type { StandardSchemaV1 } from '@standard-schema/spec';
import { afterEach, describe, expect, it } from '@jest/globals';
import { defineSignal, durableCodec, WorkflowMistakeError } from '../../lib/core/index.js';
import { SignalChecks } from '../../lib/engine/run/signal-checks.js';
import { InMemoryJournal, InMemoryStore } from '../../lib/journal/in-memory/index.js';
import { scriptedJournal } from '../support/scripted-journal.js';
import { Stage } from '../support/stage.js';
import type { ScriptedWorkflow, StageOptions } from '../support/stage.js';

type Answer = ReturnType<StandardSchemaV1['~standard']['validate']>;
const schemaOf = (validate: (value: unknown) => unknown): StandardSchemaV1 => ({
  // A schema of somebody else may answer anything.
  '~standard': { version: 1, vendor: 'test', validate: (value) => validate(value) as Answer },
});
const numbers = schemaOf((value) =>
  typeof value === 'number'
    ? { value }
    : { issues: [{ message: 'Expected a number', path: ['items', { key: 0 }] }] },
);

describe('SignalChecks', () => {
  const check = (schema: StandardSchemaV1 | undefined, payload: unknown, patience?: number) =>
    new SignalChecks(durableCodec, patience).check('signal "add"', schema, durableCodec.encode(payload));
  const issuesOf = async (schema: StandardSchemaV1, payload: unknown = 1): Promise<string> => {
    const verdict = await check(schema, payload);
    return verdict.type === 'refused' ? String(durableCodec.decode(verdict.issues)) : 'accepted';
  };

  it('accept what the schema yields, at once or later', async () => {
    await expect(check(numbers, 1)).resolves.toEqual({ type: 'accepted', payload: '1' });
    const later = schemaOf(async (value) => ({ value: `${String(value)}!` }));
    await expect(check(later, 'a')).resolves.toEqual({ type: 'accepted', payload: '"a!"' });
    await expect(check(undefined, 'as it is')).resolves.toEqual({ type: 'accepted', payload: '"as it is"' });
  });

  it('tell what is wrong, and where', async () => {
    expect(await issuesOf(numbers, 'x')).toBe('items.0: Expected a number');
  });

  it('tell a text of bounded length, whatever the schema says', async () => {
    const long = await issuesOf(schemaOf(() => ({ issues: [{ message: 'x'.repeat(100_000) }] })));
    expect(long.length).toBeLessThanOrEqual(2_000);
    const many = schemaOf(() => ({ issues: Array.from({ length: 30 }, (_, i) => ({ message: `${i}` })) }));
    expect(await issuesOf(many)).toMatch(/^0; 1; .*; 19; and 10 more$/);
    const throwing = {
      issues: [
        {
          get message() {
            throw new Error('unreadable');
          },
        },
        null,
      ],
    };
    expect(await issuesOf(schemaOf(() => throwing))).toBe('undefined; undefined');
    const verdict = await check(
      schemaOf(() => ({ issues: [{ message: 'größer 🛒' }] })),
      1,
    );
    // Whatever the encoding of the database.
    expect(verdict).toEqual({ type: 'refused', issues: '"gr\\u00f6\\u00dfer \\ud83d\\uded2"' });
  });

  it('refuse what cannot be stored', async () => {
    expect(await issuesOf(schemaOf(() => ({ value: { f: () => 1 } })))).toMatch(/cannot be stored.*\$\.f/);
  });

  it('end the turn, not the run, for a schema that throws, rejects, hangs, or answers anything', async () => {
    const faulty: [StandardSchemaV1, RegExp][] = [
      [
        schemaOf(() => {
          throw new TypeError('of the schema');
        }),
        /"add" failed: TypeError: of the schema/,
      ],
      [schemaOf(() => Promise.reject(new Error('of the schema'))), /failed: Error: of the schema/],
      [schemaOf(() => new Promise(() => undefined)), /has not answered for 10 ms/],
      [schemaOf(() => undefined), /answered undefined/],
      [{} as StandardSchemaV1, /failed: TypeError/],
    ];
    for (const [schema, message] of faulty) {
      const failure = check(schema, 1, 10);
      await expect(failure).rejects.toBeInstanceOf(WorkflowMistakeError);
      await expect(failure).rejects.toThrow(message);
    }
  });

  it('ask once for one payload', async () => {
    let asked = 0;
    const checks = new SignalChecks(durableCodec);
    const schema = schemaOf((value) => ({ value: `${String(value)}${asked++}` }));
    expect(await checks.check('a', schema, '1')).toEqual(await checks.check('a', schema, '1'));
    expect(asked).toBe(1);
  });
});

describe('signals of senders that know no schema', () => {
  const stages: Stage[] = [];
  const open = async (options: StageOptions): Promise<Stage> => {
    const stage = await Stage.open(options);
    stages.push(stage);
    return stage;
  };
  afterEach(async () => {
    for (const stage of stages.splice(0).toReversed()) await stage.close();
  });

  const sums: ScriptedWorkflow = {
    signals: ['add'],
    signalInputs: { add: numbers },
    make: ({ ctx }) => {
      let sum = 0;
      return {
        add: (n: number) => void (sum += n),
        run: async () => {
          await ctx.condition(() => sum > 0);
          return sum;
        },
      };
    },
  };

  it.each([1, 3])('F17: are checked among those that refuse a decision, %i times', async (times) => {
    const store = new InMemoryStore();
    const { journal, detour } = scriptedJournal(new InMemoryJournal(store));
    const outside = await open({ journal: new InMemoryJournal(store), workflows: [sums], worker: false });
    const stage = await open({ journal, workflows: [sums] });
    const handle = await stage.client.start('scripted', undefined, { id: 'w' });
    const sender = outside.client.handle('w');
    await stage.recorder.until('turn committed');
    let n = 1;
    detour(
      'commit',
      async (real, turns, how) => {
        await sender.signal('add', 'no number');
        await sender.signal('add', (n *= 10));
        await sender.signal('add', null);
        return real(turns, how);
      },
      times,
    );
    await sender.signal('add', 1);
    await expect(handle.result()).resolves.toBe(times === 1 ? 11 : 111);
    const history = (await handle.history()).map(({ entry }) => entry);
    const refusals = history.filter((entry) => entry.type === 'signal_refused');
    expect(refusals).toHaveLength(times === 1 ? 2 : 4);
    expect(refusals[0]).toMatchObject({ name: 'add', signal: null, hold: true });
    expect(stage.recorder.count('signal refused')).toBe(refusals.length);
    expect(stage.recorder.count('worker lost')).toBe(0);
  });

  it('are checked by whoever takes the run over from a worker that died meanwhile', async () => {
    const store = new InMemoryStore();
    let hangs = true;
    const schema = schemaOf((value) => (hangs ? new Promise(() => undefined) : { value: Number(value) }));
    const waits: ScriptedWorkflow = {
      make: ({ ctx }) => ({ run: () => ctx.waitForSignal(defineSignal('paid', schema)) }),
    };
    const first = await open({
      journal: new InMemoryJournal(store),
      workflows: [waits],
      settings: { leaseTimeout: 500 },
    });
    const handle = await first.client.start('scripted', undefined, { id: 'w' });
    await handle.signal('paid', '7');
    await first.recorder.until('turn committed');
    await first.crash();
    hangs = false;
    const second = await open({ journal: new InMemoryJournal(store), workflows: [waits] });
    await expect(second.client.handle('w').result()).resolves.toBe(7);
  });

  it('block the run when the schema throws, and go on once it is mended', async () => {
    let broken = true;
    const schema = schemaOf((value) => {
      if (broken) throw new TypeError('of the schema');
      return { value };
    });
    const stage = await open({ workflows: [{ ...sums, signalInputs: { add: schema } }] });
    const handle = await stage.client.start('scripted', undefined, { id: 'w' });
    await handle.signal('add', 5);
    const { error } = await stage.recorder.until('turn failed');
    expect(error).toBeInstanceOf(WorkflowMistakeError);
    const blocked = (await handle.describe()).blocked;
    expect(blocked?.reason ?? String(error)).toMatch(/schema of the signal "add" failed: TypeError/);
    broken = false;
    await expect(handle.result({ timeout: '10s' })).resolves.toBe(5);
  });
});
