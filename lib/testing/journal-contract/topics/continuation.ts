import { uuidv7 } from 'uuidv7';
import type { HistoryEntry } from '../../../core/index.js';
import { asRunId } from '../../../journal/index.js';
import type { RunId, Successor, Turn } from '../../../journal/index.js';
import { only, range } from '../concurrency.js';
import { runCompleted, runStarted, step, stepsOf } from '../entries.js';
import { COMPLETED, type Held, NAMESPACE, type Topic } from '../scenario.js';

/** A turn that ends a run and makes the next one. */
export function continuing(successor: Partial<Successor> = {}): {
  readonly next: Successor;
  readonly changes: Pick<Turn, 'entries' | 'outcome'>;
} {
  const next: Successor = {
    runId: asRunId(uuidv7()),
    workflow: 'order',
    version: 1,
    start: '{"input":"{\\"total\\":13}","signals":[]}',
    kept: true,
    ...successor,
  };
  return { next, changes: { entries: [continued(next)], outcome: { type: 'continue', successor: next } } };
}

const continued = ({ runId, workflow, version }: Successor): HistoryEntry => ({
  type: 'run_continued',
  at: 1_700_000_000_000,
  runId,
  workflow,
  version,
  input: '{"total":13}',
  abandoned: [],
  carriedSignals: 0,
});

/** The same holder, one run further. */
export const goingOn = ({ run, lease, consumed }: Held, runId: RunId): Held => ({
  run,
  lease: { ...lease, runId },
  seq: 0,
  consumed: consumed - 1,
});

export const ofRun = (
  { run }: Held,
  runId: RunId,
): { readonly workflowId: string; readonly runId: RunId } => ({
  workflowId: run.workflowId,
  runId,
});

export function continuationTopic({ test, expect }: Topic): void {
  test('ends the run and goes on with the next one, under the same lease', async (s) => {
    const held = await s.held(await s.worker(), { attributes: { customer: 'ann' } });
    const { next, changes } = continuing();
    expect(await s.commit(held, changes)).toEqual({ type: 'applied', inboxSeq: 0 });
    const [before, after] = [await s.describe(held.run), await s.describe(ofRun(held, next.runId))];
    expect(before).toMatchObject({ state: 'continued', continuedTo: next.runId, inbox: null });
    expect(after).toMatchObject({
      state: 'running',
      actorId: before.actorId,
      continuedTo: null,
      attributes: { customer: 'ann' },
      inbox: { owner: held.lease.owner },
    });
    expect(after.startedAt).toBeGreaterThan(before.startedAt);
    expect(only(await s.journal.outcomes([held.run.runId]))).toMatchObject({
      run: { state: 'continued', continuedTo: next.runId },
      last: { type: 'run_continued', runId: next.runId },
    });
    const then = goingOn(held, next.runId);
    await s.applies(then, { entries: [runStarted()], consumedThrough: 0 });
    await s.completes(then);
    expect(await s.describe(ofRun(held, next.runId))).toMatchObject({ state: 'completed' });
    expect(stepsOf(await s.historyOf(held.run))).toEqual([]);
    expect(only(await s.journal.outcomes([held.run.runId]))).toMatchObject({ run: { state: 'continued' } });
  });

  test('puts the start of the next run before everything that is unread', async (s) => {
    const held = await s.held(await s.worker());
    for (const i of range(4)) await s.accepted(s.signal(held.run, { payload: `${i}` }));
    const { next, changes } = continuing();
    expect(await s.commit(held, { ...changes, consumedThrough: 2 })).toEqual({
      type: 'applied',
      inboxSeq: 4,
    });
    expect(await s.inboxOf(held.run, 1)).toMatchObject([
      { n: 2, kind: 'start', name: held.run.runId, payload: next.start },
      { n: 3, kind: 'signal', payload: '2' },
      { n: 4, kind: 'signal', payload: '3' },
    ]);
    expect(await s.describe(ofRun(held, next.runId))).toMatchObject({ inbox: { arrived: 4, consumed: 1 } });
    const then = goingOn(held, next.runId);
    await s.applies(then, { entries: [runStarted()], consumedThrough: 4 });
    expect(await s.inboxOf(held.run)).toEqual([]);
    expect(await s.accepted(s.signal(held.run))).toBe(5);
  });

  test('is not refused for signals that came in', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.signal(held.run));
    await s.accepted(s.cancel(held.run));
    const { next, changes } = continuing();
    expect(await s.commit(held, changes)).toEqual({ type: 'applied', inboxSeq: 2 });
    const kinds = (await s.inboxOf(held.run, -1)).map(({ kind }) => kind);
    expect(kinds).toEqual(['start', 'signal', 'cancel']);
    // The end of the next run is.
    const then = goingOn(held, next.runId);
    const end = {
      entries: [runStarted(), runCompleted()],
      decides: true,
      outcome: COMPLETED,
      consumedThrough: 0,
    };
    expect(await s.commit(then, end)).toEqual({ type: 'signals unread', inboxSeq: 2 });
  });

  test('leaves the next run to a worker that has its workflow', async (s) => {
    const held = await s.held(await s.worker());
    const { next, changes } = continuing({ kept: false });
    await s.applies(held, changes);
    expect(await s.commit(goingOn(held, next.runId), { entries: [runStarted()] })).toEqual({ type: 'lost' });
    const [claim] = await s.claim(await s.worker());
    expect(claim).toMatchObject({
      workflowId: held.run.workflowId,
      lease: { actorId: held.lease.actorId, runId: next.runId, token: held.lease.token + 1 },
      inboxSeq: 0,
      inboxConsumed: -1,
    });
    expect(await s.inboxOf(held.run, -1)).toMatchObject([{ n: 0, kind: 'start', payload: next.start }]);
  });

  test('gives the next run its own workflow and version', async (s) => {
    const held = await s.held(await s.worker());
    const { next, changes } = continuing({ workflow: 'returns', version: 3, kept: false });
    await s.applies(held, changes);
    expect(await s.describe(ofRun(held, next.runId))).toMatchObject({ workflow: 'returns', version: 3 });
    const owner = await s.worker();
    expect(await s.claim(owner)).toEqual([]);
    const workflows = [{ name: 'returns', version: 3 }];
    const claims = await s.journal.claim({ owner, namespace: NAMESPACE, workflows, limit: 10 });
    expect(claims).toMatchObject([{ workflow: 'returns', version: 3, lease: { runId: next.runId } }]);
  });

  test('a stale holder can continue nothing', async (s) => {
    const held = await s.held(await s.worker());
    await s.releases(held, 0);
    const other = await s.reclaimed(await s.worker(), held.run);
    const { next, changes } = continuing();
    expect(await s.commit(held, changes)).toEqual({ type: 'lost' });
    expect(only(await s.journal.describe([{ ...ofRun(held, next.runId), namespace: NAMESPACE }]))).toBeNull();
    await s.applies(other, changes);
    // Nor can the holder of the last run write it any more.
    expect(await s.commit(other, { entries: [step('late')] })).toEqual({ type: 'lost' });
  });

  test('messages for one run alone are refused after it has continued, those for its actor are not', async (s) => {
    const held = await s.held(await s.worker());
    const { runId, workflowId } = held.run;
    const { actorId } = held.lease;
    await s.applies(held, continuing().changes);
    expect(await s.send(s.signal(held.run, { runId }))).toEqual({ type: 'not running', known: true });
    expect(await s.send(s.signal(held.run, { actorId }))).toMatchObject({ type: 'accepted', actorId });
    const request = { namespace: NAMESPACE, workflowId, reason: null };
    expect(await s.journal.terminate([{ ...request, runId }])).toEqual([
      { type: 'not running', known: true },
    ]);
    expect(await s.journal.terminate([{ ...request, runId: null, actorId }])).toMatchObject([
      { type: 'terminated' },
    ]);
    // Another run with its workflow id is none of that actor.
    await s.held(await s.worker(), { workflowId });
    expect(await s.send(s.signal(held.run, { actorId }))).toEqual({ type: 'not running', known: true });
    expect(await s.journal.terminate([{ ...request, runId: null, actorId }])).toEqual([
      { type: 'not running', known: true },
    ]);
  });

  test('a result tells for which run it is', async (s) => {
    const held = await s.held(await s.worker());
    const { runId } = held.run;
    await s.accepted(s.result(held.run, { runId }));
    const { next, changes } = continuing();
    await s.applies(held, changes);
    await s.accepted(s.result(held.run, { runId: next.runId }));
    expect((await s.inboxOf(held.run, 0)).map(({ forRun }) => forRun)).toEqual([runId, next.runId]);
  });

  test('a dedupe id counts over the whole chain', async (s) => {
    const held = await s.held(await s.worker());
    await s.accepted(s.signal(held.run, { dedupeId: 'once' }));
    await s.applies(held, continuing().changes);
    expect(await s.send(s.signal(held.run, { dedupeId: 'once' }))).toEqual({ type: 'duplicate' });
  });

  test('the workflow id stays taken', async (s) => {
    const held = await s.held(await s.worker());
    const { next, changes } = continuing();
    await s.applies(held, changes);
    const { workflowId } = held.run;
    expect(await s.tryStart({ workflowId })).toEqual({ type: 'conflict', runId: next.runId });
    expect(await s.tryStart({ workflowId, onConflict: 'useExisting' })).toEqual({
      type: 'existing',
      runId: next.runId,
    });
    expect(only(await s.journal.describe([{ namespace: NAMESPACE, workflowId, runId: null }]))).toMatchObject(
      {
        runId: next.runId,
      },
    );
  });

  test('refence tells what became of it', async (s) => {
    const held = await s.held(await s.worker());
    const { next, changes } = continuing();
    const turn = s.turn(held, changes);
    await s.applies(held, changes);
    expect(await s.journal.refence([turn.lease])).toEqual([
      { type: 'closed', lastSeq: 2, token: turn.lease.token },
    ]);
    // The lease of the next run is untouched by that.
    const then = goingOn(held, next.runId);
    await s.applies(then, { entries: [runStarted()], consumedThrough: 0 });
    // One that was not applied writes nothing any more.
    const second = s.turn(then, continuing().changes);
    const [fenced] = await s.journal.refence([then.lease]);
    expect(fenced).toMatchObject({ type: 'held', lastSeq: 1 });
    expect(await s.journal.commit([second])).toEqual([{ type: 'lost' }]);
  });

  test('a chain of runs in one batch with others', async (s) => {
    const owner = await s.worker();
    const chains = [...(await s.heldMany(3, owner))];
    const steps = await s.heldMany(3, owner);
    for (let round = 0; round < 5; round++) {
      const continuations = chains.map(() => continuing());
      const turns = [
        ...chains.map((held, i) =>
          s.turn(held, { ...continuations[i]!.changes, consumedThrough: Math.max(held.consumed, 0) }),
        ),
        ...steps.map((held) => s.turn(held, { entries: [step(`${round}`)] })),
      ];
      const answers = await s.journal.commit(turns);
      expect(answers.map(({ type }) => type)).toEqual(turns.map(() => 'applied'));
      for (const [i, { next }] of continuations.entries())
        chains[i] = goingOn({ ...chains[i]!, consumed: Math.max(chains[i]!.consumed, 0) }, next.runId);
      for (const held of steps) held.seq++;
    }
    const { workflowId } = chains[0]!.run;
    const filter = { namespace: NAMESPACE, workflowId };
    const { runs } = await s.journal.list({ filter, order: 'newest', cursor: null, limit: 10 });
    expect(runs.map(({ state }) => state)).toEqual(['running', ...range(5).map(() => 'continued')]);
    // Each leads to the one that is listed before it.
    expect(runs.slice(1).map(({ continuedTo }) => continuedTo)).toEqual(
      runs.slice(0, -1).map(({ runId }) => runId),
    );
    expect(await s.journal.count({ ...filter, state: 'continued' })).toBe(5);
  });
}
