// npm run test:oldest: the tests of what calls oneDNN, on an addon over Debian's oneDNN, the oldest that is supported
// (2.6 in Debian 12).
import { spawnSync } from 'node:child_process';
import { debianOneDnn } from '../scripts/onednn.mjs';
import { buildAddon, home } from './build.mjs';

const oneDnn = debianOneDnn();
if (oneDnn === undefined) throw new Error('Debian’s libdnnl-dev is not to be had: apt-get update, on Debian');
const addon = await buildAddon('oldest', oneDnn, ['-O2', '-Wall', '-Wextra', '-Werror']);
const tests = ['activation', 'convolution', 'mat-mul', 'winograd', 'training', 'threads'];
const { status } = spawnSync(
  'npx',
  ['vitest', 'run', '--reporter=default', ...tests.map((name) => `src/${name}.test.ts`)],
  {
    cwd: home,
    env: { ...process.env, BAG_ONEDNN_ADDON: addon },
    stdio: 'inherit',
  },
);
process.exitCode = status ?? 1;
