import { describe, expect, it } from '@jest/globals';
import type { ActivityInFlight } from '../../lib/core/index.js';
import type { Attempt } from '../../lib/engine/activities/activity-executor.js';
import { ImpossibleTransition, transition } from '../../lib/engine/activities/activity-state.js';
import type { ActivityInput, ActivityState } from '../../lib/engine/activities/activity-state.js';
import { cancellation } from '../../lib/engine/activities/attempt-verdict.js';
import type { EndVerdict, NoteVerdict } from '../../lib/engine/activities/attempt-verdict.js';

const work: ActivityInFlight = {
  type: 'activity',
  scheduled: {
    type: 'activity_scheduled',
    at: 0,
    id: 7,
    name: 'pay',
    args: '[]',
    options: null,
    compensation: null,
    undoes: null,
  },
  attempt: 2,
  interruptions: 0,
  startsAt: 0,
  parked: false,
  cancelRequested: false,
  lastFailure: null,
  heartbeat: null,
};
const attemptOf = (): Attempt => ({ activity: work, lastHeartbeat: null, stop: () => undefined });
const attempt = attemptOf();
const timer = { cancel: () => undefined };
const result = { id: 7, attempt: 2, outcome: { type: 'completed', result: '1' }, heartbeat: null } as const;
const end: EndVerdict = {
  type: 'end',
  event: { type: 'activity_completed', at: 0, id: 7, result: '1' },
  attempt: 2,
  told: true,
  failed: null,
};
const note: NoteVerdict = {
  type: 'note',
  note: {
    type: 'activity_attempt',
    at: 0,
    id: 7,
    attempt: 3,
    startsAt: 0,
    parked: false,
    failure: null,
    heartbeat: null,
  },
  result,
  failed: null,
};

/** One of each; `nothing`: the activity has none. */
const STATES = {
  nothing: undefined,
  parked: transition(undefined, { type: 'park' }).state,
  waiting: { type: 'waiting', timer },
  due: { type: 'due', id: 7 },
  running: { type: 'running', attempt },
  ended: { type: 'ended', from: attempt, result },
  leaving: { type: 'leaving', id: 7 },
  end,
  note,
  'in inbox': transition(end, { type: 'kept', end }).state,
} satisfies Record<ActivityState['type'] | 'nothing', ActivityState | undefined>;

const begin = { type: 'begin', work, wait: 0, draining: false, available: true } as const;
const recover = { type: 'recover', work, returned: false, died: true } as const;
const cancelled = { ...work, cancelRequested: true };

const INPUTS = {
  begin,
  'begin later': { ...begin, wait: 5 },
  'begin, while draining': { ...begin, draining: true },
  'begin later, while draining': { ...begin, wait: 5, draining: true },
  'begin what is not here': { ...begin, available: false },
  'begin what is to stop': { ...begin, work: cancelled },
  park: { type: 'park' },
  cancel: { type: 'cancel', id: 7, at: 0 },
  close: { type: 'close' },
  waiting: { type: 'waiting', timer },
  running: { type: 'running', attempt },
  time: { type: 'time', id: 7 },
  ended: { type: 'ended', from: attempt, result },
  'ended, of another attempt': { type: 'ended', from: attemptOf(), result },
  end,
  note,
  kept: { type: 'kept', end },
  'kept, of another end': { type: 'kept', end: { ...end } },
  drain: { type: 'drain', id: 7 },
  'give up': { type: 'give up', attempt },
  'give up another attempt': { type: 'give up', attempt: attemptOf() },
  recover,
  'recover what is to stop': { ...recover, work: cancelled },
  'recover a later attempt': { ...recover, work: { ...work, attempt: 3 } },
  'recover what is parked': { ...recover, work: { ...work, parked: true } },
  'recover what is in the inbox': { ...recover, returned: true },
  stop: { type: 'stop', reason: 'run closed' },
} satisfies Record<string, ActivityInput>;

/**
 * What each input makes of each state: `=` the same state; else the next one. After it what is to be done. `!`: no caller
 * gives that input in that state.
 */
const TABLE = `
                             | nothing      | parked        | waiting              | due           | running             | ended         | leaving       | end           | note          | in inbox
begin                        | = begin      | nothing begin | nothing unset, begin | nothing begin | nothing stop, begin | nothing begin | nothing begin | nothing begin | nothing begin | nothing begin
begin later                  | = set        | nothing set   | nothing unset, set   | nothing set   | nothing stop, set   | nothing set   | nothing set   | nothing set   | nothing set   | nothing set
begin, while draining        | leaving wake | leaving wake  | leaving unset, wake  | leaving wake  | leaving stop, wake  | leaving wake  | leaving wake  | leaving wake  | leaving wake  | leaving wake
begin later, while draining  | leaving wake | leaving wake  | leaving unset, wake  | leaving wake  | leaving stop, wake  | leaving wake  | leaving wake  | leaving wake  | leaving wake  | leaving wake
begin what is not here       | = missing, wake | nothing missing, wake | nothing unset, missing, wake | nothing missing, wake | nothing stop, missing, wake | nothing missing, wake | nothing missing, wake | nothing missing, wake | nothing missing, wake | nothing missing, wake
begin what is to stop        | =            | nothing       | nothing unset        | nothing       | nothing stop        | nothing       | nothing       | nothing       | nothing       | nothing
park                         | parked       | =             | parked unset         | parked        | parked stop         | parked        | parked        | parked        | parked        | parked
cancel                       | end wake     | end wake      | end unset, wake      | end wake      | = stop              | =             | end wake      | = wake        | end wake      | =
close                        | =            | nothing       | nothing unset        | nothing       | nothing stop        | nothing       | nothing       | nothing       | nothing       | nothing
waiting                      | waiting      | !             | !                    | !             | !                   | !             | !             | !             | !             | !
running                      | running      | !             | !                    | !             | !                   | !             | !             | !             | !             | !
time                         | =            | =             | due wake             | =             | =                   | =             | =             | =             | =             | =
ended                        | =            | =             | =                    | =             | ended wake          | =             | =             | =             | =             | =
ended, of another attempt    | =            | =             | =                    | =             | =                   | =             | =             | =             | =             | =
end                          | !            | end           | !                    | !             | !                   | end           | end           | !             | !             | !
note                         | !            | note          | !                    | !             | !                   | note          | note          | !             | !             | !
kept                         | =            | =             | =                    | =             | =                   | =             | =             | in inbox      | =             | =
kept, of another end         | =            | =             | =                    | =             | =                   | =             | =             | =             | =             | =
drain                        | =            | =             | leaving unset        | =             | =                   | =             | =             | =             | =             | =
give up                      | =            | =             | =                    | =             | ended wake          | =             | =             | =             | =             | =
give up another attempt      | =            | =             | =                    | =             | =                   | =             | =             | =             | =             | =
recover                      | ended wake   | ended wake    | =                    | =             | =                   | =             | =             | =             | =             | ended wake
recover what is to stop      | ended wake   | ended wake    | =                    | =             | =                   | =             | =             | =             | ended wake    | ended wake
recover a later attempt      | ended wake   | ended wake    | =                    | =             | =                   | =             | =             | ended wake    | ended wake    | ended wake
recover what is parked       | parked       | =             | parked unset         | parked        | parked stop         | =             | parked        | =             | parked        | parked
recover what is in the inbox | in inbox     | in inbox      | in inbox unset       | in inbox      | in inbox stop       | in inbox      | in inbox      | in inbox      | in inbox      | =
stop                         | =            | nothing       | nothing unset        | nothing       | nothing stop        | nothing       | nothing       | nothing       | nothing       | nothing
`;

/** By input, and in it by state. */
function readTable(): ReadonlyMap<string, ReadonlyMap<string, string>> {
  const [heading, ...lines] = TABLE.trim()
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll(/ +/g, ' ')));
  // The first line has no name of a row: trimming took its spaces.
  const states = heading!.filter((cell) => cell !== '');
  return new Map(
    lines.map(([input, ...cells]) => [input!, new Map(states.map((state, i) => [state, cells[i]!]))]),
  );
}

const SHORT = {
  begin: 'begin',
  'start timer': 'set',
  'cancel timer': 'unset',
  'stop attempt': 'stop',
  'tell unavailable': 'missing',
  wake: 'wake',
} as const;

function outcomeOf(state: ActivityState | undefined, input: ActivityInput): string {
  try {
    const next = transition(state, input);
    const name = next.state === state ? '=' : (next.state?.type ?? 'nothing');
    return `${name} ${next.effects.map(({ type }) => SHORT[type]).join(', ')}`.trim();
  } catch (error) {
    if (error instanceof ImpossibleTransition) return '!';
    throw error;
  }
}

describe('The state of an activity', () => {
  const table = readTable();

  it('is told for every input', () => {
    expect([...table.keys()].toSorted()).toEqual(Object.keys(INPUTS).toSorted());
    for (const row of table.values())
      expect([...row.keys()].toSorted()).toEqual(Object.keys(STATES).toSorted());
  });

  it.each(Object.entries(INPUTS))('takes "%s" in every state', (name, input) => {
    const found = Object.entries(STATES).map(([state, before]) => [state, outcomeOf(before, input)]);
    expect(found).toEqual([...table.get(name)!]);
  });

  it('takes what is recorded as begun and runs nowhere for lost with its process, or for interrupted', () => {
    expect(transition(undefined, recover).state).toMatchObject({
      from: null,
      result: { id: 7, attempt: 2, outcome: { type: 'lost', message: expect.stringMatching(/was lost/) } },
    });
    expect(transition(undefined, { ...recover, died: false }).state).toMatchObject({
      result: { outcome: { type: 'interrupted', message: expect.stringMatching(/gave the run back/) } },
    });
  });

  it('goes on with no end by a cancellation that the journal does not have', () => {
    const stopped = cancellation(7, 2, 0);
    expect(transition(stopped, { ...recover, work: cancelled }).state).toBe(stopped);
    expect(transition(stopped, recover).state).toMatchObject({ type: 'ended' });
  });

  it('tells how to let go, and why', () => {
    const running = STATES.running;
    const reasons = (['cancel', 'close', 'stop'] as const).map(
      (input) => transition(running, INPUTS[input]).effects,
    );
    expect(reasons).toEqual([
      [{ type: 'stop attempt', attempt, reason: 'cancelled' }],
      [{ type: 'stop attempt', attempt, reason: 'lease lost' }],
      [{ type: 'stop attempt', attempt, reason: 'run closed' }],
    ]);
  });
});
