import { Controller, Injectable, Module, Param, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Activity, ContinuumModule, Workflow, WorkflowClient, WorkflowContext } from 'nestjs-continuum';

@Injectable()
export class Mails {
  @Activity()
  async send(to: string, text: string): Promise<void> {
    console.log(`To ${to}: ${text}`);
  }
}

@Workflow({ name: 'welcome' })
export class WelcomeWorkflow {
  constructor(private readonly mails: Mails) {}

  async run(ctx: WorkflowContext, address: string): Promise<void> {
    await this.mails.send(address, 'Welcome!');
    await ctx.sleep('10 seconds');
    await this.mails.send(address, 'Did you find everything?');
  }
}

@Controller('users')
export class UsersController {
  constructor(private readonly workflows: WorkflowClient) {}

  @Post(':address')
  async register(@Param('address') address: string): Promise<{ workflowId: string }> {
    const handle = await this.workflows.start(WelcomeWorkflow, address, { id: `welcome-${address}` });
    return { workflowId: handle.workflowId };
  }
}

@Module({
  imports: [ContinuumModule.forRoot({ connection: { url: process.env['DATABASE_URL'] } })],
  controllers: [UsersController],
  providers: [WelcomeWorkflow, Mails],
})
export class AppModule {}

export async function bootstrap(): Promise<void> {
  const app = await NestFactory.create(AppModule);
  app.enableShutdownHooks(); // SIGTERM: activities may finish, and every run is handed over
  await app.listen(3000);
}
