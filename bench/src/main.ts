import 'reflect-metadata';
import { parseArgs } from 'node:util';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ContinuumModule, WorkflowClient } from 'nestjs-continuum';
import { StepActivities, TenSteps } from './ten-steps.workflow.js';

const STEPS = 10;

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    /** How many workflows are measured at 200 in flight; fewer, in proportion, at the others. */
    workflows: { type: 'string', default: '6000' },
    'in-flight': { type: 'string', default: '1,20,200,1000' },
  },
});

interface Figures {
  readonly inFlight: number;
  readonly stepsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly nodeCpu: number;
}

async function measure(client: WorkflowClient, workflows: number, inFlight: number): Promise<Figures> {
  const latencies: number[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < workflows) {
      const start = next++;
      const begun = performance.now();
      const result = await client.execute(TenSteps, start);
      latencies.push(performance.now() - begun);
      if (result !== start + 55) throw new Error(`A workflow came to ${result} instead of ${start + 55}.`);
    }
  };
  const cpu = process.cpuUsage();
  const begun = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  const seconds = (performance.now() - begun) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  latencies.sort((a, b) => a - b);
  const quantile = (share: number): number =>
    round(latencies[Math.floor((latencies.length - 1) * share)] ?? 0);
  return {
    inFlight,
    stepsPerSecond: Math.round((workflows * STEPS) / seconds),
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
    nodeCpu: round((user + system) / 1e6 / seconds),
  };
}

const round = (value: number): number => Math.round(value * 100) / 100;

function print({ nodeCpu, ...figures }: Figures): void {
  if (values.json) console.log(JSON.stringify({ engine: 'continuum', scenario: 'ten-steps', ...figures }));
  else {
    console.log(
      `${String(figures.inFlight).padStart(5)} in flight: ${String(figures.stepsPerSecond).padStart(7)} steps/s, p50 ${figures.p50Ms} ms, p99 ${figures.p99Ms} ms, Node at ${Math.round(nodeCpu * 100)} % of a core`,
    );
  }
}

@Module({
  imports: [
    ContinuumModule.forRoot({
      connection: { url: process.env['DATABASE_URL'] },
      schema: 'continuum_bench',
      worker: { runs: 2_000, activities: 2_000 },
    }),
  ],
  providers: [StepActivities, TenSteps],
})
class BenchModule {}

const app = await NestFactory.createApplicationContext(BenchModule, { logger: ['error', 'warn'] });
const client = app.get(WorkflowClient);
const total = Number(values.workflows);
// Warm the code and the plans up first.
await measure(client, Math.min(total, 500), 20);
for (const inFlight of values['in-flight'].split(',').map(Number)) {
  print(await measure(client, inFlight >= 200 ? total : Math.max(200, Math.round(total / 20)), inFlight));
}
await app.close();
process.exit(0);
