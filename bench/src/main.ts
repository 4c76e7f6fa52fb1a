import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ContinuumModule, WorkflowClient } from 'nestjs-continuum';
import { countResources, Meter } from './meter.js';
import { Counter } from './counter.workflow.js';
import { Family, OneStep } from './family.workflow.js';
import { children, signals } from './scenarios.js';
import type { Rate } from './scenarios.js';
import { StepActivities, TenSteps } from './ten-steps.workflow.js';

const STEPS = 10;
/** Workflows whose promises are counted. */
const COUNTED = 500;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    /** How many workflows are measured at 200 in flight; fewer, in proportion, at the others. */
    workflows: { type: 'string', default: '6000' },
    'in-flight': { type: 'string', default: '1,20,200,1000' },
    /** Of one parent; 0 leaves it out. */
    children: { type: 'string', default: '500' },
    /** To one run that continues as new every 1,000 of them; 0 leaves it out. */
    signals: { type: 'string', default: '10000' },
  },
});

interface Figures {
  readonly inFlight: number;
  readonly stepsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Of a core. */
  readonly nodeCpu: number;
  /** In µs. */
  readonly nodeCpuPerStep: number;
  readonly postgresCpuPerStep: number | null;
  readonly walBytesPerStep: number;
  readonly statementsPerWorkflow: number;
  readonly commitsPerWorkflow: number;
  readonly turnsPerBatch: number;
  readonly promisesPerStep: number;
  readonly immediatesPerStep: number;
  readonly timersPerStep: number;
}

async function execute(
  client: WorkflowClient,
  workflows: number,
  inFlight: number,
  ended?: (ms: number) => void,
): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < workflows) {
      const start = next++;
      const begun = performance.now();
      const result = await client.execute(TenSteps, start);
      ended?.(performance.now() - begun);
      if (result !== start + 55) throw new Error(`A workflow came to ${result} instead of ${start + 55}.`);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
}

async function measure(
  client: WorkflowClient,
  meter: Meter,
  workflows: number,
  inFlight: number,
): Promise<Figures> {
  const latencies: number[] = [];
  let seconds = 0;
  const cost = await meter.measure(async () => {
    const begun = performance.now();
    await execute(client, workflows, inFlight, (ms) => latencies.push(ms));
    seconds = (performance.now() - begun) / 1_000;
  });
  const counted = Math.min(workflows, Math.max(COUNTED, inFlight * 2));
  const made = await countResources(() => execute(client, counted, inFlight));
  const perStep = (type: string): number => round((made.get(type) ?? 0) / (counted * STEPS));
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number =>
    round(latencies[Math.floor((latencies.length - 1) * share)] ?? 0);
  const steps = workflows * STEPS;
  return {
    inFlight,
    stepsPerSecond: Math.round(steps / seconds),
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    nodeCpu: round(cost.nodeCpu / 1e6 / seconds),
    nodeCpuPerStep: round(cost.nodeCpu / steps),
    postgresCpuPerStep: cost.postgresCpu === null ? null : round(cost.postgresCpu / steps),
    walBytesPerStep: Math.round(cost.walBytes / steps),
    statementsPerWorkflow: round(cost.statements / workflows),
    commitsPerWorkflow: round(cost.commits / workflows),
    turnsPerBatch: round(cost.turns / cost.batches),
    promisesPerStep: perStep('PROMISE'),
    immediatesPerStep: perStep('Immediate'),
    timersPerStep: perStep('Timeout'),
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;

function print(figures: Figures): void {
  if (values.json) {
    console.log(JSON.stringify({ engine: 'continuum', scenario: 'ten-steps', ...figures }));
    return;
  }
  const { inFlight, stepsPerSecond, p50Ms, p99Ms, nodeCpu, nodeCpuPerStep, postgresCpuPerStep } = figures;
  const { walBytesPerStep, statementsPerWorkflow, commitsPerWorkflow, turnsPerBatch } = figures;
  const { promisesPerStep, immediatesPerStep, timersPerStep } = figures;
  const indent = ' '.repeat(7);
  console.log(
    `${String(inFlight).padStart(5)} in flight: ${String(stepsPerSecond).padStart(7)} steps/s, p50 ${p50Ms} ms, p99 ${p99Ms} ms, Node at ${Math.round(nodeCpu * 100)} % of a core\n` +
      `${indent}a step: ${nodeCpuPerStep} µs of Node, ${postgresCpuPerStep ?? '?'} µs of Postgres, ${walBytesPerStep} bytes of WAL, ${promisesPerStep} promises, ${immediatesPerStep} immediates, ${timersPerStep} timers\n` +
      `${indent}a workflow: ${statementsPerWorkflow} statements, ${commitsPerWorkflow} commits; ${turnsPerBatch} turns in a batch`,
  );
}

@Module({
  imports: [
    ContinuumModule.forRoot({
      connection: { url: process.env['DATABASE_URL'] },
      schema: 'continuum_bench',
      worker: { runs: 2_000, activities: 2_000 },
    }),
  ],
  providers: [StepActivities, TenSteps, OneStep, Family, Counter],
})
class BenchModule {}

const meter = await Meter.open(process.env['DATABASE_URL']);
const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error', 'warn'] });
const client = app.get(WorkflowClient);
const total = Number(values.workflows);
// Warm the code and the plans up first.
await execute(client, Math.min(total, 500), 20);
for (const inFlight of values['in-flight'].split(',').map(Number)) {
  const workflows = inFlight >= 200 ? total : Math.max(200, Math.round(total / 20));
  print(await measure(client, meter, workflows, inFlight));
}
const printRate = (rate: Rate): void =>
  console.log(
    values.json
      ? JSON.stringify({ engine: 'continuum', ...rate })
      : `${rate.scenario}: ${rate.perSecond} a second`,
  );
if (Number(values.children) > 0) printRate(await children(client, Number(values.children)));
if (Number(values.signals) > 0) printRate(await signals(client, Number(values.signals), 50));
await app.close();
await meter.close();
process.exit(0);
