import { Controller, Get } from '@nestjs/common';
import { continuumMigrations } from 'nestjs-continuum/migrations';
import { DataSource } from 'typeorm';

/** For TypeORM's command line, or a step of the deployment. */
export const migrationsOf = (url: string): DataSource =>
  new DataSource({
    type: 'postgres',
    url,
    migrations: [...continuumMigrations('continuum')],
  });

@Controller('alive')
export class AliveController {
  @Get()
  alive(): string {
    return 'yes';
  }
}
