import { ENTRY_CATALOGUE } from '../../lib/core/index.js';
import type {
  ActivityAttempt,
  DecodedEntry,
  HistoryEntry,
  RunCompleted,
  SideEffectRecorded,
  TimerFired,
  TimerStarted,
} from '../../lib/index.js';
import type { ShapeOf } from '../../lib/core/entry-catalogue.js';
import { command, fact, factOrNull, factOrZero, name, value } from '../../lib/core/entry-fields.js';
import { type Equal, is } from './support.js';

const { timer_started, timer_fired, side_effect_recorded, run_completed, activity_attempt } = ENTRY_CATALOGUE;

export const fits: ShapeOf<TimerStarted> = timer_started;
// @ts-expect-error a command is no event
export const event: ShapeOf<TimerStarted> = { ...timer_started, class: 'event' };
// @ts-expect-error it ends its run
export const notTerminal: ShapeOf<RunCompleted> = { ...run_completed, class: 'command' };
// @ts-expect-error a field is forgotten
export const forgotten: ShapeOf<TimerStarted>['fields'] = { id: command, name, args: value };
export const unknown: ShapeOf<TimerStarted>['fields'] = {
  ...timer_started.fields,
  // @ts-expect-error there is no such field
  until: fact,
};
// @ts-expect-error a text of any length is not small
export const small: ShapeOf<TimerStarted>['fields'] = { ...timer_started.fields, args: fact };
// @ts-expect-error a time is no text
export const text: ShapeOf<TimerStarted>['fields'] = { ...timer_started.fields, firesAt: value };
// @ts-expect-error it always has a time: none is no usual one
export const usual: ShapeOf<TimerStarted>['fields'] = { ...timer_started.fields, firesAt: factOrNull };
export const missing: ShapeOf<ActivityAttempt>['fields'] = {
  ...activity_attempt.fields,
  // @ts-expect-error what may be missing has no usual value
  interrupted: factOrZero,
};
export const outcome: ShapeOf<SideEffectRecorded>['fields'] = {
  ...side_effect_recorded.fields,
  // @ts-expect-error an outcome is one of two things
  outcome: value,
};
// @ts-expect-error an event starts nothing
export const starts: ShapeOf<TimerFired> = { ...timer_fired, work: { type: 'timer', effect: 'starts' } };
// @ts-expect-error what names nothing ends nothing
export const ends: ShapeOf<RunCompleted> = { ...run_completed, work: { type: 'timer', effect: 'ends' } };

// What a client sees of an entry follows from it.
type Seen<T extends HistoryEntry['type']> = Extract<DecodedEntry, { type: T }>;
is<Equal<Seen<'timer_started'>['args'], unknown>>();
is<Equal<Seen<'timer_started'>['firesAt'], number>>();
is<Equal<Seen<'activity_attempt'>['heartbeat'], unknown>>();
is<Equal<Seen<'run_started'>['seed'], string>>();
