// npm run test:oldest: the tests of what calls oneDNN, on an addon over Debian's oneDNN, the oldest that is supported
// (2.6 in Debian 12).
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { debianOneDnn } from '../scripts/onednn.mjs';
import { buildAddon, home } from './build.mjs';

const oneDnn = debianOneDnn();
if (oneDnn === undefined) throw new Error('Debian’s libdnnl-dev is not to be had: apt-get update, on Debian');
const header = readFileSync(join(oneDnn, 'include/oneapi/dnnl/dnnl_version.h'), 'utf8');
const [major, minor] = ['MAJOR', 'MINOR'].map((part) => new RegExp(`DNNL_VERSION_${part} +(\\d+)`).exec(header)?.[1]);
if (`${major}.${minor}` !== '2.6')
  throw new Error(`this system's oneDNN is ${major}.${minor}; the test wants the 2.6 of Debian 12`);
const addon = await buildAddon('oldest', oneDnn, ['-O2', '-Wall', '-Wextra', '-Werror']);
const tests = [
  'activation',
  'convolution',
  'half-kernels',
  'instruction-set',
  'depthwise',
  'mat-mul',
  'pool',
  'winograd',
  'training',
  'threads',
];
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
