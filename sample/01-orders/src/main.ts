import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { Settings } from './settings.js';

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
await app.listen(app.get(Settings).port);

const url = (await app.getUrl()).replace('[::1]', 'localhost');
console.log(`Orders are taken at ${url}/orders, for example:
  curl ${url}/orders -H 'content-type: application/json' \\
    -d '{"id": "1", "customer": "ann", "items": [{"sku": "pen", "quantity": 2, "price": 1.5}]}'
  curl ${url}/orders/1`);
