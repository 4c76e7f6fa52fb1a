import { Module } from '@nestjs/common';
import { milliseconds } from 'nestjs-continuum';

/** What the environment decides. */
export class Settings {
  /** `DATABASE_URL`; `npm start` sets it to the Postgres it has started. */
  databaseUrl!: string;
  /** `PORT`; 0 takes any that is free. Defaults to 3000. */
  port = 3000;
  /** `APPROVAL_TIMEOUT`: how long a large order waits for somebody to approve it. Defaults to 10 minutes. */
  approvalTimeout = '10 minutes';
  /** `GATEWAY_FAILURES`: the share of requests that the card gateway loses, 0 to 1. Defaults to 0.3. */
  gatewayFailures = 0.3;
}

/** Throws an error that names every variable that cannot be used. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const settings = new Settings();
  const problems: string[] = [];
  const read = (name: string, use: (text: string) => void): void => {
    const text = env[name];
    if (text === undefined || text === '') return;
    try {
      use(text);
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
    }
  };
  read('DATABASE_URL', (text) => (settings.databaseUrl = text));
  read('PORT', (text) => (settings.port = numberFrom(text, 0, 65_535)));
  read('GATEWAY_FAILURES', (text) => (settings.gatewayFailures = numberFrom(text, 0, 1)));
  read('APPROVAL_TIMEOUT', (text) => {
    milliseconds(text);
    settings.approvalTimeout = text;
  });
  if (!settings.databaseUrl)
    problems.push('DATABASE_URL is missing: postgres://user:password@host:5432/database');
  if (problems.length > 0) throw new Error(problems.join('\n'));
  return settings;
}

function numberFrom(text: string, least: number, most: number): number {
  const value = Number(text);
  if (value >= least && value <= most) return value;
  throw new RangeError(`"${text}" is not a number from ${least} to ${most}.`);
}

@Module({
  providers: [{ provide: Settings, useFactory: () => readSettings(process.env) }],
  exports: [Settings],
})
export class SettingsModule {}
