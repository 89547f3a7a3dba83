// npm run browser: sets up, then serves the page that trains in a browser. The port goes to it: npm run browser -- 8081
import { join } from 'node:path';
import { root, run } from './lib.mjs';
import { setUp } from './setup.mjs';

setUp();
// The server is ended by Ctrl-C itself; this process waits for it.
process.on('SIGINT', () => undefined);
process.exitCode = run(process.execPath, [join(root, 'apps/browser/serve.mjs'), ...process.argv.slice(2)]);
