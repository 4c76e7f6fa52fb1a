import { uuidv7 } from 'uuidv7';
import { isTerminal } from '../../../core/index.js';
import { isSuspect } from '../../../journal/rules/deaths.js';
import { only } from '../concurrency.js';
import { HOUR, NAMESPACE, ORDERS, SECOND } from '../scenario.js';
import { type Chain, type Findings, type Found, findAll } from './findings.js';
import { checkReach } from './oracle-reach.js';
import { type StressRecord, startRequest } from './stress-record.js';
import { asWorkerId } from '../../../journal/index.js';

/** Looks through the port at what a stress has left behind. Whatever breaks a rule is noted in the record. */
export async function judge(record: StressRecord): Promise<void> {
  // Every session is over, so after a rescue nobody holds anything.
  const findings = await findAll(record);
  const { found, chains } = findings;
  for (const one of found) checkHistory(record, one);
  for (const chain of chains.values()) checkConsumption(record, chain);
  checkStarts(record, found);
  checkMessages(record, findings);
  await checkReach(record, findings);
  await checkOutcomes(record, found);
  await checkWakes(record, findings);
  await checkActors(record, found);
}

/** As many entries as were confirmed, written under growing tokens, and one end where the run is over. */
function checkHistory(record: StressRecord, { run, history, marks }: Found): void {
  const { runId, state } = run;
  const ended = state === 'terminated' ? 1 : 0;
  const confirmed = (record.written.get(runId) ?? 0) + ended;
  if (history.length !== confirmed) {
    record.violated('history is not what was confirmed', { run, confirmed, found: history.length });
  }
  marks.forEach((mark, i) => {
    const before = marks[i - 1];
    if (before !== undefined && before.token > mark.token)
      record.violated('a token went back', { run, before, mark });
    if (before?.token === mark.token && before.owner !== mark.owner) {
      record.violated('two owners wrote under one token', { run, before, mark });
    }
  });
  const ends = history.filter(isTerminal).length;
  if (ends !== (state === 'running' ? 0 : 1)) record.violated('ends do not fit the state', { run, ends });
  const last = history.at(-1);
  if (ends === 1 && (last === undefined || !isTerminal(last)))
    record.violated('history goes on after its end', { run });
  if ((state === 'terminated') !== (last?.type === 'run_terminated'))
    record.violated('an end of another kind', { run, last });
}

/** Messages were consumed as 1, 2, 3 …, also from one run of a chain to the next, and the inbox goes on after them. */
function checkConsumption(record: StressRecord, { last: { run, inbox }, places }: Chain): void {
  const numbers = places.map(({ n }) => n);
  if (numbers.some((n, i) => n !== i + 1))
    record.violated('messages are not numbered 1 to n', { run, numbers });
  if (run.state !== 'running' && inbox.length > 0)
    record.violated('a closed run has an inbox', { run, inbox });
}

function checkStarts(record: StressRecord, found: readonly Found[]): void {
  const runs = new Set(found.map(({ run }) => run.runId));
  if (runs.size !== found.length) record.violated('a run is listed twice', {});
  for (const runId of record.started)
    if (!runs.has(runId)) record.violated('a started run is unknown', { runId });
  for (const { run } of found) {
    if (!record.started.has(run.runId) && !record.children.has(run.runId))
      record.violated('a run that nobody started', { run });
  }
  const open = found.filter(({ run }) => run.state === 'running').map(({ run }) => run.workflowId);
  if (new Set(open).size !== open.length) record.violated('two open runs of one workflow id', { open });
  for (const { run } of found) {
    if (record.terminated.has(run.runId) && run.state !== 'terminated')
      record.violated('terminated, and is not', { run });
  }
}

/** Every acknowledged signal is found once, under its number: consumed, or still in the inbox. */
function checkMessages(record: StressRecord, { chains }: Findings): void {
  const latest = new Map<string, number>();
  for (const [dedupeId, acknowledged] of record.acknowledged) {
    const { actorId, n, kind, sender } = acknowledged;
    const chain = chains.get(actorId);
    const state = chain?.last.run.state;
    const places = (chain?.places ?? []).filter((place) => place.dedupeId === dedupeId);
    const facts = { dedupeId, acknowledged, places, state };
    if (places.length > 1) record.violated('a message counts twice', facts);
    if (places.some((place) => place.n !== n)) record.violated('a message has another number', facts);
    // What a close does not wait for may be left unread: all but signals, and everything where a run was terminated.
    const isWaitedFor = kind === 'signal' || kind === 'update';
    const mayBeLeft = state === 'terminated' || (!isWaitedFor && state !== 'running');
    if (places.length === 0 && !mayBeLeft) record.violated('an acknowledged message is lost', facts);
    // Acknowledged in this order, so each sender's messages to one run are numbered in it.
    const lane = `${sender} ${actorId}`;
    if ((latest.get(lane) ?? 0) >= n) record.violated('a sender was overtaken by itself', facts);
    latest.set(lane, n);
  }
}

async function checkOutcomes(record: StressRecord, found: readonly Found[]): Promise<void> {
  const outcomes = await record.harness.journal.outcomes(found.map(({ run }) => run.runId));
  found.forEach(({ run, history }, i) => {
    const last = outcomes[i]?.last;
    if ((run.state === 'running') !== (last === undefined))
      record.violated('an outcome does not fit', { run, last });
    if (last !== undefined && JSON.stringify(last) !== JSON.stringify(history.at(-1))) {
      record.violated('an outcome is not the end of history', { run, last });
    }
  });
}

/** Unread messages make claimable; and nobody holds an actor who is not alive. */
async function checkWakes(record: StressRecord, { found, chains }: Findings): Promise<void> {
  const { journal } = record.harness;
  const open = found.filter(({ run }) => run.state === 'running');
  const claimAll = async (): Promise<Set<string>> => {
    const session = {
      id: asWorkerId(uuidv7()),
      namespace: NAMESPACE,
      name: 'oracle',
      host: 'localhost',
      pid: 1,
      buildId: 'oracle',
      workflows: ORDERS,
    };
    await journal.register({ ...session, leaseTimeout: HOUR, heartbeatInterval: SECOND });
    const claims = await journal.claim({
      owner: session.id,
      namespace: NAMESPACE,
      workflows: ORDERS,
      limit: open.length + 1,
    });
    for (const claim of claims) {
      const consumed = chains.get(claim.lease.actorId)?.consumed;
      if (claim.inboxConsumed !== consumed)
        record.violated('the inbox is consumed to another number', { claim, consumed });
    }
    await journal.unregister(session.id);
    return new Set(claims.map(({ lease }) => lease.actorId));
  };
  const woken = await claimAll();
  for (const { run, inbox } of open.filter((one) => !suspected(one))) {
    if (inbox.length > 0 && !woken.has(run.actorId))
      record.violated('a lost wake', { run, unread: inbox.length });
  }
  for (const { run } of open) {
    await journal.send([{ ...run, kind: 'cancel', name: null, payload: null, dedupeId: null, runId: null }]);
  }
  const reachable = await claimAll();
  for (const { run } of open.filter((one) => !suspected(one)))
    if (!reachable.has(run.actorId)) record.violated('an actor out of reach', { run });
  await checkSuspects(record, open.filter(suspected));
}

const suspected = ({ run }: Found): boolean => isSuspect({ deaths: run.deaths?.count ?? 0 });

/** What many workers died with waits for its time, and is claimed apart from the others. */
async function checkSuspects(record: StressRecord, suspects: readonly Found[]): Promise<void> {
  const { harness } = record;
  const { journal } = harness;
  // Longer than the longest of them is blocked.
  await harness.elapse(7 * HOUR);
  const owner = asWorkerId(uuidv7());
  const session = {
    id: owner,
    namespace: NAMESPACE,
    name: 'oracle',
    host: 'localhost',
    pid: 1,
    buildId: 'oracle',
  };
  await journal.register({ ...session, workflows: ORDERS, leaseTimeout: HOUR, heartbeatInterval: SECOND });
  const reached = new Set<string>();
  for (let more = true; more;) {
    const request = { owner, namespace: NAMESPACE, workflows: ORDERS, limit: suspects.length + 1, waited: 0 };
    const claims = await journal.claimSuspects(request);
    for (const { lease } of claims) reached.add(lease.actorId);
    more = claims.length > 0;
  }
  await journal.unregister(owner);
  for (const { run } of suspects)
    if (!reached.has(run.actorId)) record.violated('a suspect out of reach', { run });
}

/** Each open run has its actor, and each actor an open run: what is terminated is gone, and its workflow id is free. */
async function checkActors(record: StressRecord, found: readonly Found[]): Promise<void> {
  const { journal } = record.harness;
  for (const { run } of found) {
    if (run.state !== 'running') continue;
    const answer = only(await journal.terminate([{ ...run, reason: null }]));
    if (answer.type !== 'terminated') record.violated('an open run without an actor', { run, answer });
  }
  for (const workflowId of record.workflowIds) {
    const answer = only(await journal.start([startRequest(workflowId)]));
    if (answer.type !== 'started') record.violated('an actor without an open run', { workflowId, answer });
  }
}
