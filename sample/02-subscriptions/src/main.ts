import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { Settings } from './settings.js';

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
await app.listen(app.get(Settings).port);

const url = (await app.getUrl()).replace('[::1]', 'localhost');
console.log(`Subscriptions are taken at ${url}/subscriptions, for example:
  curl ${url}/subscriptions -H 'content-type: application/json' -d '{"customer": "ann", "plan": "basic"}'
  curl ${url}/subscriptions/ann`);
