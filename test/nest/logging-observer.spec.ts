import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { JournalUnavailableError } from '../../lib/journal/index.js';
import { LoggingObserver } from '../../lib/nest/continuum.observer.js';

const run = { workflow: 'order', workflowId: 'o-1', runId: 'r-1' };
const NAME = 'Workflow order "o-1" (run r-1)';

describe('the log of an operator', () => {
  let lines: string[];
  let observer: LoggingObserver;
  beforeEach(() => {
    lines = [];
    const write =
      (level: string) =>
      (...parts: unknown[]): void => {
        lines.push([level, ...parts.filter((part) => typeof part === 'string').slice(0, -1)].join(' '));
      };
    Logger.overrideLogger({ log: write('log'), warn: write('warn'), error: write('error') });
    observer = new LoggingObserver();
  });
  afterEach(() => Logger.overrideLogger(['log', 'warn', 'error']));

  it.each([
    [0, ['w1'], []],
    [1, ['w1'], ['warn Took over 1 run of 1 dead worker.']],
    [3, ['w1', 'w2'], ['warn Took over 3 runs of 2 dead workers.']],
  ])('tells of %s runs that were taken over', (freedActors, deadWorkers, told) => {
    observer.notice({ type: 'workers rescued', freedActors, deadWorkers });
    expect(lines).toEqual(told);
  });

  it.each([
    [0, false],
    [1, false],
    [2, true],
  ])('warns of a run that is taken up after %s workers died with it: %s', (deaths, told) => {
    observer.notice({ type: 'run claimed', run, deaths });
    const warning = `warn ${NAME} is taken up again: the last ${deaths} workers that held it died, and it may be why. describe() names them under "deaths".`;
    expect(lines).toEqual(told ? [warning] : []);
  });

  it('tells of a run that is blocked because workers died with it', () => {
    observer.notice({ type: 'run blocked', run, reason: '4 workers died while they ran it: crane' });
    expect(lines).toEqual([
      `error ${NAME} is blocked, for ten minutes or longer, or until a worker of another build comes. 4 workers died while they ran it: crane`,
    ]);
  });

  it('tells at the start what is served, as Nest tells of routes', () => {
    const facts = {
      namespace: 'default',
      activities: ['Payments.charge', 'Payments.refund'],
      workflows: [
        { name: 'order', version: 2, signals: ['approve', 'cancel'], queries: ['status'] },
        { name: 'refund', version: 1, signals: [], queries: [] },
      ],
    };
    observer.notice({ type: 'worker started', workerId: 'w1', schema: 'continuum', ...facts });
    expect(lines).toEqual([
      'log Mapped {order, version 2} workflow, signals {approve, cancel}, queries {status}',
      'log Mapped {refund, version 1} workflow',
      'log Mapped {Payments.charge, Payments.refund} activities',
      'log Worker started, schema "continuum", namespace "default"',
    ]);
    lines = [];
    observer.notice({ type: 'client started', schema: null, ...facts, workflows: [], activities: [] });
    expect(lines).toEqual(['log Client started without a worker, in memory, namespace "default"']);
  });

  it('tells when a worker has drained, and warns of what it could not give back', () => {
    const drained = { type: 'worker drained', workerId: 'w1', took: 120, givenBack: 1, ended: 2 } as const;
    observer.notice({ ...drained, left: 0 });
    observer.notice({ ...drained, givenBack: 3, left: 4 });
    expect(lines).toEqual([
      'log Worker w1 has drained in 120 ms: 1 run given back, 2 ended.',
      'warn Worker w1 has drained in 120 ms: 3 runs given back, 2 ended, 4 not given back in time; others take over when its session is over.',
    ]);
  });

  it('says why a turn failed once, and then that it still does', () => {
    const fail = (message: string, runId = 'r-1'): void =>
      observer.notice({
        type: 'turn failed',
        run: { ...run, runId },
        error: new TypeError(message),
        retryIn: 50,
      });
    fail('the first\nreason');
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(
      `error ${NAME} is blocked, and is tried again in 50 ms. TypeError: the first\\nreason     at `,
    );
    expect(lines[0]!.match(/the first/g)).toHaveLength(1);

    fail('the first\nreason');
    expect(lines[1]).toBe(`warn ${NAME} is still blocked, for the same reason, and is tried again in 50 ms.`);
    fail('another');
    expect(lines[2]).toContain('TypeError: another');
    fail('another', 'r-2');
    expect(lines[3]).toContain('TypeError: another');
    // It went on meanwhile: this is news.
    observer.notice({ type: 'turn committed', run, entries: 1 });
    fail('another');
    expect(lines[4]).toContain('TypeError: another');
  });

  it.each(['failed', 'cancelled'] as const)('tells of a run that %s with an incomplete rollback', (state) => {
    const closed = { type: 'run closed', run, state, error: new Error('no seat') } as const;
    observer.notice({ ...closed, rollback: 'complete' });
    expect(lines).toEqual(state === 'failed' ? [`warn ${NAME} failed: Error: no seat`] : []);
    lines = [];
    observer.notice({ ...closed, rollback: 'incomplete' });
    expect(lines).toEqual([
      `error ${NAME} ${state === 'failed' ? 'failed' : 'was cancelled'}, and not all that it had done could be undone: its rollback is incomplete. Error: no seat`,
    ]);
  });

  it('lets nobody forge a line, or steer a terminal, by an id, a name or a reason', () => {
    const forged = 'x\n[Nest] 1 ERROR \u001b[31m\r\u0000\u007f\u009b\u2028\u2029\t';
    const shown = String.raw`x\n[Nest] 1 ERROR \u001b[31m\r\u0000\u007f\u009b\u2028\u2029\t`;
    const odd = { workflow: forged, workflowId: forged, runId: 'r-1' };
    const name = `Workflow ${shown} "${shown}" (run r-1)`;
    observer.notice({ type: 'run blocked', run: odd, reason: forged });
    observer.notice({
      type: 'run closed',
      run: odd,
      state: 'failed',
      error: new Error(forged),
      rollback: 'none',
    });
    observer.notice({ type: 'signal refused', run: odd, signal: forged, issues: forged });
    observer.notice({ type: 'workflow log', run: odd, level: 'log', message: 'said', facts: null });
    for (const line of lines) expect(line).toContain(shown);
    expect(lines).toHaveLength(4);
    expect(lines[1]).toBe(`warn ${name} failed: Error: ${shown}`);
    expect(lines[3]).toBe(`log [${shown}] said`);
    // oxlint-disable-next-line no-control-regex -- They are what must not be there.
    expect(lines.join('')).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/);
  });

  it.each([
    ['what it was thrown with', (message: string) => new Error(message)],
    [
      'something else than the stack has',
      (message: string) => Object.assign(new Error('~'), { stack: `Error: ${message}\n    at a\n    at b` }),
    ],
  ])('shows a stack in lines that are indented, where the message is %s', (_, made) => {
    observer.notice({ type: 'turn failed', run, error: made('x\n[Nest] forged\u001b[31m'), retryIn: 1 });
    const [first, ...frames] = lines[0]!.split('\n');
    expect(first).toContain(`error ${NAME} is blocked`);
    expect(frames.length).toBeGreaterThan(2);
    for (const frame of frames) expect(frame).toMatch(/^ {4}/);
    expect(lines[0]).not.toContain('\u001b');
  });

  it('remembers no more than a thousand runs', () => {
    const fail = (n: number): void =>
      observer.notice({
        type: 'turn failed',
        run: { ...run, runId: `r-${n}` },
        error: new Error('x'),
        retryIn: 1,
      });
    for (let n = 0; n < 1_001; n++) fail(n);
    lines = [];
    fail(1_000);
    fail(0);
    expect(lines.map((line) => line.split(' ')[0])).toEqual(['warn', 'error']);
  });

  it('tells once that the journal cannot be reached, and once that it can again', () => {
    const unavailable = (): void =>
      observer.notice({ type: 'journal unavailable', during: 'claiming', error: new Error('refused') });
    observer.notice({ type: 'journal available' });
    unavailable();
    unavailable();
    observer.notice({ type: 'journal available' });
    observer.notice({ type: 'journal available' });
    unavailable();
    // Of some other part of the journal, perhaps.
    observer.notice({ type: 'turn committed', run, entries: 1 });
    observer.notice({ type: 'journal available' });
    const down = 'error The journal cannot be reached (claiming): refused';
    const up = 'log The journal can be reached again.';
    expect(lines).toEqual([down, up, down, up]);
  });

  it('tells what is kept from clients over HTTP', () => {
    const error = new JournalUnavailableError('Postgres (db:5432/orders) cannot be reached', false);
    observer.notice({ type: 'journal unavailable', during: 'claiming', error });
    observer.notice({ type: 'turn failed', run, error, retryIn: 1 });
    expect(lines[0]).toBe(
      'error The journal cannot be reached (claiming): Postgres (db:5432/orders) cannot be reached',
    );
    expect(lines[1]).toContain('JournalUnavailableError: Postgres (db:5432/orders) cannot be reached');
  });

  it('tells of promises that nobody awaits, and of workflows that nobody here runs', () => {
    observer.notice({
      type: 'calls not awaited',
      run,
      calls: [
        { call: 'a.b', outcome: 'failed', error: new Error('no mail.') },
        { call: 'ctx.sleep', outcome: 'over' },
        { call: 'a.c', outcome: 'under way' },
        { call: 'a.d', outcome: 'never began' },
      ],
    });
    observer.notice({ type: 'rejection floats', run, error: new RangeError('far') });
    observer.notice({ type: 'workflow not served here', workflow: 'invoice', version: 2 });
    expect(lines).toEqual([
      `warn ${NAME} completed without awaiting a.b, which failed: Error: no mail; ctx.sleep, so that nothing waited for it; a.c, which had not ended; a.d, which never ran. Await each, or return its promise.`,
      `warn A promise that ${NAME} does not await was rejected: RangeError: far. Await it, or catch what it rejects with.`,
      'warn This process started "invoice" version 2 but does not have it among its providers: another worker must run it.',
    ]);
  });
});
