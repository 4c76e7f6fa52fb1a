import type {
  ChildStarted,
  Lineage,
  MessageSent,
  OutwardCommand,
  RunProgress,
  TerminalEntry,
} from '../../core/index.js';
import { actorOf, asRunId } from '../../journal/index.js';
import type { CallbackOpening, ChildStart, Outgoing, Turn } from '../../journal/index.js';
import type { ResidentFacts } from './run-host.js';

/** What a turn starts, sends, opens and withdraws, of its commands that reach beyond the run. */
export function reachingOut(
  commands: readonly OutwardCommand[],
  progress: RunProgress,
  run: ResidentFacts,
): Pick<Turn, 'children' | 'sends' | 'opens' | 'withdraws'> {
  const started = commands.flatMap((command) => (command.type === 'child_started' ? [command] : []));
  const lineage = started.length === 0 ? null : lineageUnder(progress.lineage, run);
  const sends = commands.flatMap((command): Outgoing[] => {
    if (command.type === 'message_sent') return [messageOf(command, progress)];
    if (command.type !== 'child_cancel_requested') return [];
    const work = progress.inFlight.get(command.of);
    // It has ended in this very turn.
    if (work?.type !== 'child') return [];
    const { workflowId, runId } = work.started;
    const actorId = actorOf(asRunId(runId));
    return [{ kind: command.mode, workflowId, actorId }];
  });
  return {
    children: lineage === null ? [] : started.map((child) => startOf(child, lineage)),
    sends,
    ...callbacksOf(commands, progress),
  };
}

/** One that is withdrawn in the turn that opens it, or ends with its run there, is never there for anybody. */
function callbacksOf(
  commands: readonly OutwardCommand[],
  { inFlight, closed }: RunProgress,
): Pick<Turn, 'opens' | 'withdraws'> {
  const opens = commands.flatMap((command): CallbackOpening[] => {
    const isOpen = command.type === 'callback_opened' && closed === null && inFlight.has(command.id);
    return isOpen ? [{ command: command.id, key: command.name }] : [];
  });
  const withdraws = commands.flatMap((command) =>
    command.type === 'callback_withdrawn' ? [command.of] : [],
  );
  return { opens, withdraws };
}

/**
 * What the end of a run means for its parent, its children and its callbacks.
 *
 * @param lineage as its holder knows it: the history of a run that has never begun does not tell it
 */
export const closingFor = (
  { type }: TerminalEntry,
  progress: RunProgress,
  lineage: Lineage | null,
): Pick<Turn, 'tellsParent' | 'closesChildren' | 'endsCallbacks'> => ({
  // A child that continues is still that child: its parent hears of the last run alone.
  tellsParent: lineage !== null && type !== 'run_continued',
  closesChildren: progress.closesChildren,
  endsCallbacks: progress.hasOpenedCallbacks,
});

function lineageUnder(above: Lineage | null, { workflowId, runId }: ResidentFacts): Lineage {
  const parent = { workflowId, runId };
  return { parent, root: above?.root ?? parent, depth: (above?.depth ?? 0) + 1 };
}

function messageOf(sent: MessageSent, progress: RunProgress): Outgoing {
  const { id: reply, name, args: payload, workflowId, child, start, input } = sent;
  if (start !== undefined && input !== undefined) {
    const started = { ...start, runId: asRunId(start.runId), input };
    return {
      kind: 'signal_with_start',
      workflowId,
      actorId: null,
      name,
      payload,
      reply,
      start: started,
    };
  }
  const work = child === null ? undefined : progress.inFlight.get(child);
  const actorId = work?.type === 'child' ? actorOf(asRunId(work.started.runId)) : null;
  return { kind: name === null ? 'cancel' : 'signal', workflowId, actorId, name, payload, reply };
}

const startOf = (child: ChildStarted, lineage: Lineage): ChildStart => ({
  runId: asRunId(child.runId),
  workflowId: child.workflowId,
  workflow: child.name,
  version: child.version,
  input: child.args,
  command: child.id,
  parentClose: child.parentClose,
  lineage,
  confirms: child.confirms,
  ...(child.limits && { limits: child.limits }),
});
