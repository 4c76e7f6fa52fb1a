/** Which run a fold folds. */
export interface RunIdentity {
  readonly workflowId: string;
  readonly runId: string;
  readonly namespace: string;
}
