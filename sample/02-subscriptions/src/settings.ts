import { Module } from '@nestjs/common';
import { milliseconds } from 'nestjs-continuum';

/** What the environment decides. */
export class Settings {
  /** `DATABASE_URL`; `npm start` sets it to the Postgres it has started. */
  databaseUrl!: string;
  /** `PORT`; 0 takes any that is free. Defaults to 3000. */
  port = 3000;
  /** `MONTH`: how long a month takes, in ms. Defaults to a minute: nobody wants to wait for a real one. */
  monthLength = 60_000;
  /** `DUNNING`: how long a customer has to pay after a card was refused, in ms. Defaults to 20 seconds. */
  dunningTime = 20_000;
}

/** Throws where a variable cannot be used. */
export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const settings = new Settings();
  if (!env['DATABASE_URL'])
    throw new Error('DATABASE_URL is missing: postgres://user:password@host:5432/database');
  settings.databaseUrl = env['DATABASE_URL'];
  if (env['PORT']) settings.port = Number(env['PORT']);
  if (env['MONTH']) settings.monthLength = milliseconds(env['MONTH']);
  if (env['DUNNING']) settings.dunningTime = milliseconds(env['DUNNING']);
  return settings;
}

@Module({
  providers: [{ provide: Settings, useFactory: () => readSettings(process.env) }],
  exports: [Settings],
})
export class SettingsModule {}
