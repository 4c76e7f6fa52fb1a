// @ts-check
import { register } from 'node:module';

/*
 * Lets plain Node run the sources of this repository, for specs that need a real process of their own:
 * node --import ./test/support/register-typescript.mjs some-file.ts
 */
register('./typescript-hooks.mjs', import.meta.url);
