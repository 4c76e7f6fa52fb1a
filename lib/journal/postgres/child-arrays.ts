import type { Turn } from '../port/index.js';
import {
  booleanArray,
  flagArray,
  NOWHERE,
  numberArray,
  textArray,
  uuidArray,
  uuidOrNil,
} from './array-literals.js';
import type { Reaching } from './sql/reach-turns.js';

/** What turns start, open and send, turned into one array for each column. */
export function reachParameters(turns: readonly Turn[]): Reaching {
  const children = turns.flatMap((turn, i) =>
    (turn.children ?? []).map((child) => ({ ...child, turn: i + 1 })),
  );
  const sends = turns.flatMap((turn, i) => (turn.sends ?? []).map((send) => ({ ...send, turn: i + 1 })));
  const opens = turns.flatMap((turn, i) => (turn.opens ?? []).map((open) => ({ ...open, turn: i + 1 })));
  const withdraws = turns.flatMap((turn, i) =>
    (turn.withdraws ?? []).map((command) => ({ command, turn: i + 1 })),
  );
  return {
    endsCallbacks: flagArray(turns.map((turn) => turn.endsCallbacks === true)),
    openTurns: numberArray(opens.map(({ turn }) => turn)),
    openCommands: numberArray(opens.map(({ command }) => command)),
    openKeys: textArray(opens.map(({ key }) => key)),
    withdrawTurns: numberArray(withdraws.map(({ turn }) => turn)),
    withdrawCommands: numberArray(withdraws.map(({ command }) => command)),
    tells: booleanArray(turns.map((turn) => turn.tellsParent === true)),
    closesChildren: booleanArray(turns.map((turn) => turn.closesChildren === true)),
    childTurns: numberArray(children.map(({ turn }) => turn)),
    childIds: uuidArray(children.map(({ runId }) => uuidOrNil(runId))),
    childWorkflowIds: textArray(children.map(({ workflowId }) => workflowId)),
    childWorkflows: textArray(children.map(({ workflow }) => workflow)),
    childVersions: numberArray(children.map(({ version }) => version)),
    childInputs: textArray(children.map(({ input }) => input)),
    childCommands: numberArray(children.map(({ command }) => command)),
    childCloses: textArray(children.map(({ parentClose }) => parentClose)),
    childLineages: textArray(children.map(({ lineage }) => JSON.stringify(lineage))),
    childRunLimits: numberArray(children.map(({ limits }) => limits?.run ?? null)),
    childChainLimits: numberArray(children.map(({ limits }) => limits?.chain ?? null)),
    childConfirms: booleanArray(children.map(({ confirms }) => confirms)),
    sendTurns: numberArray(sends.map(({ turn }) => turn)),
    sendKinds: textArray(sends.map(({ kind }) => kind)),
    sendWorkflowIds: textArray(sends.map(({ workflowId }) => workflowId)),
    sendActorIds: textArray(sends.map(({ actorId }) => (actorId === null ? null : uuidOrNil(actorId)))),
    sendNames: textArray(sends.map(({ name }) => name ?? null)),
    sendPayloads: textArray(sends.map(({ payload }) => payload ?? null)),
    sendStarts: sends.some(({ start }) => start)
      ? textArray(sends.map(({ start }) => (start ? JSON.stringify(start) : null)))
      : NOWHERE,
    sendReplies: numberArray(sends.map(({ reply }) => reply ?? null)),
  };
}
