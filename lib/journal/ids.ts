/** What makes a text an id of one kind. Never there: the three kinds are texts, and only the compiler tells them apart. */
declare const kind: unique symbol;

/** Identifies the actor of a workflow id, through every run of it. */
export type ActorId = string & { readonly [kind]: 'actor' };
/** One execution. A UUID (v7). */
export type RunId = string & { readonly [kind]: 'run' };
/** A worker's session. A UUID. */
export type WorkerId = string & { readonly [kind]: 'worker' };

// The casts: an id comes from outside as text, and what it identifies is known where it comes in.

export const asRunId = (text: string): RunId => text as RunId;
export const asActorId = (text: string): ActorId => text as ActorId;
export const asWorkerId = (text: string): WorkerId => text as WorkerId;

/** An actor is identified by its first run, and keeps that id through the runs that follow. */
export const actorOf = (firstRun: RunId): ActorId => firstRun as string as ActorId;
