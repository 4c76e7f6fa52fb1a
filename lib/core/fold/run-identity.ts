/** Which run a fold folds. */
export interface RunIdentity {
  readonly workflowId: string;
  readonly runId: string;
  readonly namespace: string;
  /** What its workflow is called in what is stored: an alias perhaps, or the name. Defaults to the name. */
  readonly workflow?: string;
}
