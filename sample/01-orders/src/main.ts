import { NestFactory } from '@nestjs/core';
import { AppModule } from './app.module.js';
import { Settings } from './settings.js';

const app = await NestFactory.create(AppModule);
app.enableShutdownHooks();
const { port } = app.get(Settings);
try {
  await app.listen(port);
} catch (error) {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
  console.error(`Port ${port} is taken by another process. Choose one that is free: PORT=3001 npm start`);
  await app.close();
  process.exit(1);
}

const url = (await app.getUrl()).replace('[::1]', 'localhost');
console.log(`Orders are taken at ${url}/orders, for example:
  curl ${url}/orders -H 'content-type: application/json' \\
    -d '{"id": "1", "customer": "ann", "items": [{"sku": "pen", "quantity": 2, "price": 1.5}]}'
  curl ${url}/orders/1`);
