import { Injectable } from '@nestjs/common';
import type { ActivityContext, EngineEvent, Observer } from '../../../lib/index.js';
import type { Order, Report } from './protocol.js';

/** The line between this process and the test that started it. */
@Injectable()
export class TestChannel implements Observer {
  readonly #held = new Map<string, (() => void)[]>();

  constructor() {
    process.on('message', (order: Order) => {
      for (const letGo of this.#held.get(order.label) ?? []) letGo();
      this.#held.delete(order.label);
    });
    // Whoever started this process is gone: so is what it was for.
    process.on('disconnect', () => process.exit(0));
  }

  ready(): void {
    this.#tell({ type: 'ready' });
  }

  /** Resolves once the test lets go. */
  held(label: string, { attempt }: ActivityContext): Promise<void> {
    return new Promise((resolve) => {
      this.#held.set(label, [...(this.#held.get(label) ?? []), resolve]);
      this.#tell({ type: 'held', label, attempt });
    });
  }

  stopped(label: string, { attempt, signal }: ActivityContext): void {
    const { why } = signal.reason as { readonly why?: string };
    this.#tell({ type: 'stopped', label, attempt, why: why ?? String(signal.reason) });
  }

  notice(event: EngineEvent): void {
    const workflowId = 'run' in event ? (event.run?.workflowId ?? null) : null;
    this.#tell({ type: 'engine', event: event.type, workflowId, text: textOf(event) });
  }

  #tell(report: Report): void {
    if (process.connected) process.send?.(report);
  }
}

function textOf(event: EngineEvent): string {
  if ('error' in event && event.error instanceof Error) return String(event.error);
  if ('reason' in event) return event.reason;
  return 'workerId' in event ? event.workerId : '';
}
