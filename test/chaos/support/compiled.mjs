// @ts-check
import { join } from 'node:path';

/** Inside `node_modules`, so that what is compiled finds its dependencies. */
export const CACHE = join('node_modules', '.cache', 'continuum-chaos');

export const folderOfThisRun = () => join(CACHE, String(process.pid));
