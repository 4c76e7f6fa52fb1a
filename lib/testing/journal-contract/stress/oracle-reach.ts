import { PARENT_CLOSED } from '../../../journal/rules/letters.js';
import { actorOf } from '../../../journal/index.js';
import type { ActorId } from '../../../journal/index.js';
import type { Chain, Findings, Place } from './findings.js';
import type { SentLetter, StartedChild, StressRecord } from './stress-record.js';
import { noteAnswers } from './stress-clients.js';

/** What runs have done to each other: their children, what they sent, whom they have become, and what updates were answered. */
export async function checkReach(record: StressRecord, findings: Findings): Promise<void> {
  checkSuccessors(record, findings);
  const ended = new Set<ActorId>();
  for (const { kind, actorId } of record.letters)
    if (kind === 'terminate' && actorId !== null) ended.add(actorId);
  for (const child of record.children.values()) {
    checkChild(record, findings, child);
    checkParentClose(record, findings, child, ended);
  }
  checkLetters(record, findings, ended);
  await checkUpdates(record, findings);
}

/** Each continuation has made the one run that its holder drew. */
function checkSuccessors(record: StressRecord, { runs, found }: Findings): void {
  for (const [runId, successor] of record.successors) {
    const run = runs.get(runId)?.run;
    if (run?.continuedTo !== successor) record.violated('a run goes on as another one', { run, successor });
  }
  for (const { run } of found) {
    if ((run.state === 'continued') !== record.successors.has(run.runId))
      record.violated('a run goes on, and nobody said so', { run });
  }
}

const isRunning = ({ runs }: Findings, { lease }: { readonly lease: StartedChild['parent'] }): boolean =>
  runs.get(lease.runId)?.run.state === 'running';

/** What a run was told of one of its commands. */
function newsOf(
  { chains }: Findings,
  { actorId, runId }: StartedChild['parent'],
  command: number,
  kind: string,
): readonly string[] {
  const told = `${runId}:${command}:`;
  const places = chains.get(actorId)?.places ?? [];
  return places.flatMap(({ kind: its, name }) =>
    its === kind && name?.startsWith(told) === true ? [name.slice(told.length)] : [],
  );
}

/** Its parent is told once that it began or not, and once how it ended; if that has ended before, at most once. */
function checkChild(record: StressRecord, findings: Findings, child: StartedChild): void {
  const { parent, command, confirms, shared } = child;
  const chain = findings.chains.get(actorOf(child.runId));
  const listens = isRunning(findings, { lease: parent });
  const began = newsOf(findings, parent, command, 'child_start');
  const ends = newsOf(findings, parent, command, 'child_end');
  const facts = { child, state: chain?.last.run.state, listens, began, ends };
  if (!chain && !shared) return record.violated('a child was not started', facts);
  const expected = chain ? (confirms ? ['accepted'] : []) : ['refused'];
  // Who ends or continues in the turn that starts it is not told; nor is the successor of who has ended since.
  if (
    listens ? began.join() !== expected.join() : began.length > 1 || began.some((n) => !expected.includes(n))
  )
    record.violated('a parent is told wrongly of a beginning', facts);
  const end = chain && !chain.open ? [chain.last.run.state] : [];
  if (listens ? ends.join() !== end.join() : ends.length > 1 || ends.some((n) => !end.includes(n as never)))
    record.violated('a parent is told wrongly of an end', facts);
}

/** Once its parent has ended, and not before: it is ended, asked to end, or left alone. */
function checkParentClose(
  record: StressRecord,
  findings: Findings,
  child: StartedChild,
  ended: ReadonlySet<ActorId>,
): void {
  const chain = findings.chains.get(actorOf(child.runId));
  if (!chain) return;
  const { parentClose } = child;
  const isLeft = !isRunning(findings, { lease: child.parent });
  // All others carry a payload.
  const cancels = chain.places.filter(({ kind, dedupeId }) => kind === 'cancel' && dedupeId === null).length;
  const last = chain.last.history.at(-1);
  const wasEnded = last?.type === 'run_terminated' && last.reason === PARENT_CLOSED;
  const facts = { child, run: chain.last.run, isLeft, cancels, wasEnded };
  if (isLeft && parentClose === 'terminate' && chain.open) record.violated('an orphan goes on', facts);
  if (wasEnded && !(isLeft && parentClose === 'terminate') && !ended.has(chain.actorId))
    record.violated('a child was ended with nobody', facts);
  const due = isLeft && parentClose === 'cancel' ? 1 : 0;
  const mayMiss = !chain.open || rollsBack(chain);
  if (cancels > due || (cancels < due && !mayMiss))
    record.violated('a child is not cancelled once with its parent', facts);
}

const rollsBack = ({ last }: Chain): boolean => last.history.some(({ type }) => type === 'rollback_started');

/** Each arrives once and in order, or whoever sent it is told that it did not. */
function checkLetters(record: StressRecord, findings: Findings, ended: ReadonlySet<ActorId>): void {
  for (const actorId of ended) {
    if (findings.chains.get(actorId)?.open)
      record.violated('a run that was to be ended goes on', { actorId });
  }
  const arrived = new Map<string, { readonly chain: Chain; readonly place: Place }[]>();
  for (const chain of findings.chains.values())
    for (const place of chain.places)
      if (place.name === 'letter' && place.dedupeId !== null)
        arrived.set(place.dedupeId, [...(arrived.get(place.dedupeId) ?? []), { chain, place }]);
  const latest = new Map<string, number>();
  for (const letter of inOrder(record, findings)) {
    if (letter.kind === 'terminate') continue;
    const places = arrived.get(letter.payload ?? '') ?? [];
    checkArrival(record, findings, letter, places);
    for (const { chain, place } of places) {
      const lane = `${letter.sender.actorId} ${chain.actorId}`;
      if ((latest.get(lane) ?? 0) >= place.n)
        record.violated('what one run sends to another came in another order', { letter, place });
      latest.set(lane, place.n);
    }
  }
}

/** As they were sent: by the runs of a chain, and by the turns of a run. */
function inOrder(record: StressRecord, { chains }: Findings): readonly SentLetter[] {
  const places = new Map<string, number>();
  for (const { runs } of chains.values()) runs.forEach(({ run }, i) => places.set(run.runId, i));
  const placeOf = ({ sender }: SentLetter): number => places.get(sender.runId) ?? 0;
  return record.letters.toSorted((a, b) => placeOf(a) - placeOf(b) || a.seq - b.seq);
}

function checkArrival(
  record: StressRecord,
  findings: Findings,
  letter: SentLetter,
  places: readonly { readonly chain: Chain; readonly place: Place }[],
): void {
  const { sender, reply, kind, workflowId, actorId } = letter;
  const facts = { letter, places: places.map(({ chain, place }) => ({ actor: chain.actorId, place })) };
  if (places.length > 1) record.violated('what one run sends to another arrived twice', facts);
  for (const { chain } of places)
    if (chain.workflowId !== workflowId || (actorId !== null && chain.actorId !== actorId))
      record.violated('what one run sends to another arrived elsewhere', facts);
  if (reply === undefined) return;
  const told = newsOf(findings, sender, reply, 'message_result');
  const listens = findings.chains.get(sender.actorId)?.open === true;
  if (told.length > 1 || (listens && told.length === 0))
    record.violated('a sender is not told once what became of it', { ...facts, told });
  if (places.length > 0 && told.some((news) => news !== 'delivered'))
    record.violated('it arrived, and its sender was told that it did not', { ...facts, told });
  // Who is terminated leaves its inbox unread, and so does who ends, but for signals.
  const mayBeLeft = [...findings.chains.values()].some(
    (chain) =>
      chain.workflowId === workflowId &&
      (chain.last.run.state === 'terminated' || (kind !== 'signal' && !chain.open)),
  );
  if (places.length === 0 && told[0] === 'delivered' && !mayBeLeft)
    record.violated('what one run sends to another is lost', { ...facts, told });
}

/** One verdict, and one answer: that of the history where there is one. */
async function checkUpdates(record: StressRecord, { chains }: Findings): Promise<void> {
  const updates = [...record.acknowledged].filter(([, { kind }]) => kind === 'update');
  for (let from = 0; from < updates.length; from += 500) {
    const portion = updates.slice(from, from + 500);
    const answers = await noteAnswers(record, record.harness.journal, portion);
    portion.forEach(([updateId, { actorId }], i) => {
      const chain = chains.get(actorId);
      const verdicts = (chain?.places ?? []).filter((place) => place.dedupeId === updateId && place.mark);
      const entries = (chain?.runs ?? [])
        .flatMap(({ history }) => history)
        .filter((entry) => entry.type === 'update_answered' && entry.updateId === updateId);
      const refused = verdicts.some(({ mark }) => mark?.refused === true);
      const expected = refused ? 'refused' : entries.length > 0 ? 'answered' : chain?.open ? 'open' : 'gone';
      const answer = answers[i];
      const facts = { updateId, verdicts, entries, answer, state: chain?.last.run.state };
      if (verdicts.length > 1 || entries.length > 1 || (refused && entries.length > 0))
        record.violated('an update has more than one verdict', facts);
      const differs =
        answer?.type === 'answered' && JSON.stringify(answer.entry) !== JSON.stringify(entries[0]);
      if (answer?.type !== expected || differs) record.violated('an update is answered otherwise', facts);
    });
  }
}
