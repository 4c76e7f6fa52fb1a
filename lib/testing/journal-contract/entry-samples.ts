import type { HistoryEntry, HistoryEntryType } from '../../core/index.js';

const AT = 1_700_000_000_123;
const RUN = '0190a6a4-7a71-7f6e-8a4d-2f1e6c3b5a90';
/** As codecs write it: what Postgres' `jsonb` would refuse stands escaped in the text. */
const ENCODED =
  '{"name":"z\\u0000\\ud800","list":[1.5,-0,null,{"$":["Date","2026-01-02T03:04:05.006Z"]}],  "spaces": "kept"}';
const FAILURE =
  '{"name":"TypeError","message":"a\\u0000b","stack":"TypeError: …\\n  at x","cause":{"name":"Error"}}';
/** Not encoded by anybody: names and reasons as users write them. */
const TEXT = 'Grüße 🛒 "quoted" \\ \n \u0000 \ud800 end';

/**
 * At least one sample of every type of entry, with every field, and every variant of those that have some. The
 * compiler asks for the missing ones.
 */
export const ENTRY_SAMPLES: {
  readonly [T in HistoryEntryType]: readonly [
    /** With every fact it can have. */
    Required<Extract<HistoryEntry, { type: T }>>,
    ...(readonly Extract<HistoryEntry, { type: T }>[]),
  ];
} = {
  run_started: [
    {
      type: 'run_started',
      at: AT,
      input: ENCODED,
      seed: TEXT,
      semanticsVersion: 3,
      lineage: {
        parent: { workflowId: 'order-1', runId: RUN },
        root: { workflowId: 'day', runId: RUN },
        depth: 2,
      },
      attributes: ENCODED,
      continueAfter: { entries: 1_000, bytes: 2_000_000 },
      continuedFrom: TEXT,
      signals: [
        { name: TEXT, payload: ENCODED, checked: true },
        { name: '', payload: 'null' },
      ],
      by: TEXT,
    },
    { type: 'run_started', at: AT, input: ENCODED, seed: TEXT, semanticsVersion: 3 },
  ],
  rollback_retried: [
    { type: 'rollback_retried', at: AT, reason: TEXT, by: TEXT },
    { type: 'rollback_retried', at: AT, reason: null },
  ],
  child_accepted: [{ type: 'child_accepted', at: AT, id: 3 }],
  child_not_started: [{ type: 'child_not_started', at: AT, id: 3 }],
  child_completed: [{ type: 'child_completed', at: AT, id: 3, result: ENCODED }],
  child_failed: [{ type: 'child_failed', at: AT, id: 3, failure: FAILURE }],
  child_cancelled: [{ type: 'child_cancelled', at: AT, id: 3, failure: FAILURE }],
  child_terminated: [
    { type: 'child_terminated', at: AT, id: 3, reason: TEXT },
    { type: 'child_terminated', at: AT, id: 3, reason: null },
  ],
  child_started: [
    {
      type: 'child_started',
      at: AT,
      id: 3,
      name: TEXT,
      args: ENCODED,
      version: 2,
      workflowId: TEXT,
      runId: RUN,
      parentClose: 'abandon',
      confirms: true,
      compensation: { type: 'workflow', name: 'undo', version: 1 },
      undoes: 2,
      limits: { run: 1_000, chain: null },
    },
    {
      type: 'child_started',
      at: AT,
      id: 3,
      name: 'invoice',
      args: 'null',
      version: 1,
      workflowId: `${RUN}:3`,
      runId: RUN,
      parentClose: 'cancel',
      confirms: false,
      compensation: null,
      undoes: null,
    },
  ],
  message_sent: [
    {
      type: 'message_sent',
      at: AT,
      id: 3,
      name: TEXT,
      args: ENCODED,
      workflowId: TEXT,
      child: 2,
      start: { runId: TEXT, workflow: TEXT, version: 4, limits: { run: 60_000, chain: null } },
      input: ENCODED,
    },
    { type: 'message_sent', at: AT, id: 3, name: null, args: 'null', workflowId: 'ann', child: null },
  ],
  message_delivered: [{ type: 'message_delivered', at: AT, id: 3 }],
  message_not_delivered: [
    { type: 'message_not_delivered', at: AT, id: 3, why: 'not found' },
    { type: 'message_not_delivered', at: AT, id: 3, why: 'not running' },
  ],
  callback_opened: [
    { type: 'callback_opened', at: AT, id: 3, name: TEXT },
    { type: 'callback_opened', at: AT, id: 3, name: null },
  ],
  callback_withdrawn: [{ type: 'callback_withdrawn', at: AT, of: 3 }],
  callback_completed: [
    { type: 'callback_completed', at: AT, id: 3, result: ENCODED, by: TEXT },
    { type: 'callback_completed', at: AT, id: 3, result: ENCODED },
  ],
  callback_failed: [
    { type: 'callback_failed', at: AT, id: 3, failure: FAILURE, by: TEXT },
    { type: 'callback_failed', at: AT, id: 3, failure: FAILURE },
  ],
  callback_not_opened: [{ type: 'callback_not_opened', at: AT, id: 3 }],
  child_cancel_requested: [
    { type: 'child_cancel_requested', at: AT, of: 3, mode: 'cancel' },
    { type: 'child_cancel_requested', at: AT, of: 3, mode: 'terminate' },
  ],
  signal_received: [
    {
      type: 'signal_received',
      at: AT,
      name: TEXT,
      payload: ENCODED,
      arrivedAt: AT - 7,
      hold: true,
      checked: true,
      by: TEXT,
    },
    { type: 'signal_received', at: AT, name: '', payload: 'null', arrivedAt: 0, hold: false },
  ],
  signal_accepted: [{ type: 'signal_accepted', at: AT, name: TEXT, signal: 12, payload: ENCODED }],
  signal_refused: [
    {
      type: 'signal_refused',
      at: AT,
      name: TEXT,
      signal: null,
      issues: ENCODED,
      arrivedAt: AT - 7,
      hold: true,
      by: TEXT,
    },
    {
      type: 'signal_refused',
      at: AT,
      name: '',
      signal: 2,
      issues: '"no"',
      arrivedAt: null,
      hold: false,
    },
  ],
  update_accepted: [
    {
      type: 'update_accepted',
      at: AT,
      name: TEXT,
      updateId: TEXT,
      payload: ENCODED,
      arrivedAt: AT - 7,
      hold: true,
      by: TEXT,
    },
    { type: 'update_accepted', at: AT, name: '', updateId: '', payload: 'null', arrivedAt: 0, hold: false },
  ],
  update_answered: [
    {
      type: 'update_answered',
      at: AT,
      updateId: TEXT,
      outcome: { type: 'failure', failure: FAILURE },
      unanswered: 'closed',
    },
    {
      type: 'update_answered',
      at: AT,
      updateId: 'u-1',
      outcome: { type: 'value', value: ENCODED },
      unanswered: null,
    },
  ],
  cancel_requested: [
    { type: 'cancel_requested', at: AT, reason: TEXT, by: TEXT },
    { type: 'cancel_requested', at: AT, reason: null },
    { type: 'cancel_requested', at: AT, reason: '' },
  ],
  timer_fired: [{ type: 'timer_fired', at: AT, id: 0 }],
  activity_completed: [{ type: 'activity_completed', at: AT, id: 2_147_483_647, result: ENCODED }],
  activity_failed: [{ type: 'activity_failed', at: AT, id: 3, failure: FAILURE, attempts: 12 }],
  activity_cancelled: [{ type: 'activity_cancelled', at: AT, id: 4 }],
  activity_scheduled: [
    {
      type: 'activity_scheduled',
      at: AT,
      id: 5,
      name: TEXT,
      args: ENCODED,
      compensation: 'release',
      undoes: 0,
      options: {
        retry: {
          maxAttempts: 3,
          initialInterval: 0.5,
          backoff: 2,
          maxInterval: 9,
          jitter: 0,
          nonRetryable: ['A', TEXT],
        },
        timeout: 1,
        scheduleToCloseTimeout: 2,
        heartbeatTimeout: 3,
      },
    },
    {
      type: 'activity_scheduled',
      at: AT,
      id: 6,
      name: 'ship',
      args: '[]',
      compensation: null,
      undoes: null,
      options: { retry: { maxAttempts: null, nonRetryable: [] } },
    },
    {
      type: 'activity_scheduled',
      at: AT,
      id: 7,
      name: 'x',
      args: '[]',
      compensation: null,
      undoes: null,
      options: null,
    },
  ],
  activity_cancel_requested: [{ type: 'activity_cancel_requested', at: AT, of: 5 }],
  timer_started: [
    { type: 'timer_started', at: AT, id: 8, name: 'signal:approve', args: ENCODED, firesAt: AT + 86_400_000 },
  ],
  timer_cancelled: [{ type: 'timer_cancelled', at: AT, of: 8 }],
  side_effect_recorded: [
    { type: 'side_effect_recorded', at: AT, id: 9, name: TEXT, outcome: { type: 'value', value: ENCODED } },
    {
      type: 'side_effect_recorded',
      at: AT,
      id: 10,
      name: null,
      outcome: { type: 'failure', failure: FAILURE },
    },
  ],
  signal_check_requested: [{ type: 'signal_check_requested', at: AT, name: TEXT, signal: 12 }],
  rollback_step_added: [{ type: 'rollback_step_added', at: AT, id: 11, name: 'refund', args: ENCODED }],
  rollback_cleared: [
    { type: 'rollback_cleared', at: AT, steps: [3, 7] },
    { type: 'rollback_cleared', at: AT },
  ],
  rollback_started: [
    {
      type: 'rollback_started',
      at: AT,
      outcome: 'failed',
      failure: FAILURE,
      unreadSignals: 3,
      order: 'parallel',
      forced: true,
    },
    { type: 'rollback_started', at: AT, outcome: 'cancelled', failure: FAILURE, unreadSignals: 0 },
  ],
  activity_attempt: [
    {
      type: 'activity_attempt',
      at: AT,
      id: 5,
      attempt: 2,
      startsAt: AT + 0.5,
      parked: true,
      failure: FAILURE,
      heartbeat: ENCODED,
      interrupted: true,
    },
    {
      type: 'activity_attempt',
      at: AT,
      id: 5,
      attempt: 1,
      startsAt: 0,
      parked: false,
      failure: null,
      heartbeat: null,
    },
  ],
  activity_heartbeat: [{ type: 'activity_heartbeat', at: AT, id: 5, details: ENCODED }],
  patched: [{ type: 'patched', at: AT, name: TEXT }],
  attributes_set: [{ type: 'attributes_set', at: AT, patch: ENCODED }],
  details_set: [
    { type: 'details_set', at: AT, details: TEXT },
    { type: 'details_set', at: AT, details: null },
  ],
  run_completed: [{ type: 'run_completed', at: AT, result: ENCODED, abandoned: [5, 8], unreadSignals: 2 }],
  run_failed: [
    { type: 'run_failed', at: AT, failure: FAILURE, rollback: 'incomplete', abandoned: [], unreadSignals: 0 },
    { type: 'run_failed', at: AT, failure: FAILURE, rollback: 'none', abandoned: [0], unreadSignals: 1 },
  ],
  run_cancelled: [
    {
      type: 'run_cancelled',
      at: AT,
      failure: FAILURE,
      rollback: 'complete',
      abandoned: [],
      unreadSignals: 0,
    },
  ],
  run_continued: [
    {
      type: 'run_continued',
      at: AT,
      runId: TEXT,
      workflow: TEXT,
      version: 4,
      input: ENCODED,
      abandoned: [0, 7],
      carriedSignals: 2,
      runLimit: 60_000,
    },
    {
      type: 'run_continued',
      at: AT,
      runId: '',
      workflow: '',
      version: 1,
      input: 'null',
      abandoned: [],
      carriedSignals: 0,
    },
  ],
  run_timed_out: [
    {
      type: 'run_timed_out',
      at: AT,
      failure: FAILURE,
      rollback: 'incomplete',
      abandoned: [3],
      unreadSignals: 1,
      unserved: true,
    },
  ],
  deadline_passed: [
    { type: 'deadline_passed', at: AT, deadlineAt: AT - 5, whose: 'run' },
    { type: 'deadline_passed', at: AT, deadlineAt: AT, whose: 'chain' },
  ],
  run_terminated: [
    { type: 'run_terminated', at: AT, reason: TEXT, by: TEXT },
    { type: 'run_terminated', at: AT, reason: null },
  ],
};
