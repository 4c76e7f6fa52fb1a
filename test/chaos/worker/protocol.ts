/** How a worker process is set up: its one environment variable, as JSON. */
export interface WorkerSettings {
  readonly url: string;
  readonly name: string;
  /** In ms, as all of these. */
  readonly leaseTimeout: number;
  readonly heartbeatInterval: number;
  readonly shutdownTimeout: number;
}

export const SETTINGS_VARIABLE = 'CHAOS_WORKER';

/** What a worker process tells the test. */
export type Report =
  | { readonly type: 'ready' }
  /** Something its engine did; `workflowId` where it is about a run. */
  | {
      readonly type: 'engine';
      readonly event: string;
      readonly workflowId: string | null;
      readonly text: string;
    }
  /** An attempt of an activity that the test holds has begun, and waits for {@link Order}. */
  | { readonly type: 'held'; readonly label: string; readonly attempt: number }
  /** It was asked to stop, and why. */
  | { readonly type: 'stopped'; readonly label: string; readonly attempt: number; readonly why: string };

/** What the test tells a worker process: let go of the activity that is held under a label. */
export interface Order {
  readonly type: 'let go';
  readonly label: string;
}
