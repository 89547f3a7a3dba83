// npm start: sets up, then runs the main job. Arguments go to it: npm start -- --out runs/mine
import { join } from 'node:path';
import { root, run } from './lib.mjs';
import { setUp } from './setup.mjs';

setUp();
// The job handles Ctrl-C itself; this process waits for it.
process.on('SIGINT', () => undefined);
process.exitCode = run(process.execPath, [join(root, 'apps/cli/bin/bag.js'), 'demo', ...process.argv.slice(2)]);
