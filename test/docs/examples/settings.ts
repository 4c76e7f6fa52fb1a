import { Injectable, Module } from '@nestjs/common';
import { ContinuumModule } from 'nestjs-continuum';
import type { ContinuumModuleOptions, ContinuumOptionsFactory } from 'nestjs-continuum';
import { Mails, UsersController, WelcomeWorkflow } from './first-workflow.js';

@Injectable()
export class ContinuumSettings implements ContinuumOptionsFactory {
  createContinuumOptions(): ContinuumModuleOptions {
    return { connection: { url: process.env['DATABASE_URL'] } };
  }
}

@Module({
  imports: [ContinuumModule.forRootAsync({ useClass: ContinuumSettings })],
  controllers: [UsersController],
  providers: [WelcomeWorkflow, Mails],
})
export class AppModule {}
