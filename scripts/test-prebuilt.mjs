// Installs the packed native backend where neither a compiler nor oneDNN is to be found, and computes with it. The
// libraries in use must be the package's own and ask for no newer glibc than its README says.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { environment, root, runQuietly } from './lib.mjs';
import { packAll } from './pack.mjs';
import { setUp } from './setup.mjs';

const name = '@bag/tfjs-backend-onednn';

// Everything is 1, so that each value counts the cells of the 3 × 3 window that lie inside, times the channels.
const program = `
import { readFileSync } from 'node:fs';
import * as tf from '@tensorflow/tfjs';
import { info } from '${name}';

await tf.setBackend('onednn');
const x = tf.ones([1, 3, 3, 2]);
const filter = tf.ones([3, 3, 2, 4]);
const y = tf.conv2d(x, filter, 1, 'same');
const dx = tf.grad((input) => tf.conv2d(input, filter, 1, 'same').sum())(x);
const mapped = readFileSync('/proc/self/maps', 'utf8').split('\\n').map((line) => line.split(/ +/)[5] ?? '');
const result = { backend: tf.getBackend(), version: info().oneDnnVersion };
const values = { y: [...y.dataSync()], dx: [...dx.dataSync()] };
const libraries = [...new Set(mapped)].filter((path) => /dnnl|gomp|\\.node$/.test(path));
console.log(JSON.stringify({ ...result, ...values, libraries }));`;
const cells = [4, 6, 4, 6, 9, 6, 4, 6, 4];
const expected = {
  backend: 'onednn',
  version: '3.2.0',
  y: cells.flatMap((count) => Array(4).fill(2 * count)),
  dx: cells.flatMap((count) => Array(2).fill(4 * count)),
};

/** The newest glibc that a symbol of these files is of. */
function newestGlibc(files) {
  const symbols = runQuietly('objdump', ['-T', ...files]) ?? '';
  return `2.${Math.max(...[...symbols.matchAll(/GLIBC_2\.(\d+)/g)].map(([, minor]) => Number(minor)))}`;
}

setUp();
const base = mkdtempSync(join(tmpdir(), 'bag-prebuilt-'));
let failed = 0;
const step = (what, good) => {
  if (!good) failed++;
  console.log(`${good ? 'ok  ' : 'FAIL'} ${what}`);
};
try {
  // All that is to be found: no compiler, no make, no Python.
  const bin = join(base, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  for (const command of ['npm', 'sh']) symlinkSync(runQuietly('which', [command]).trim(), join(bin, command));

  const project = join(base, 'project');
  mkdirSync(project);
  const [{ tarball }] = packAll((manifest) => manifest.name === name);
  const { version } = createRequire(join(root, 'package.json'))('@tensorflow/tfjs/package.json');
  const dependencies = { [name]: `file:${tarball}`, '@tensorflow/tfjs': version };
  writeFileSync(join(project, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }));
  writeFileSync(join(project, 'use.mjs'), program);
  const elsewhere = { cwd: project, env: { ...environment, PATH: bin, LD_LIBRARY_PATH: '' } };
  const install = ['install', '--no-audit', '--no-fund', '--no-package-lock'];
  const installed = runQuietly(join(bin, 'npm'), install, elsewhere) !== undefined;
  step('installs without compiler, make and Python', installed);
  const output = installed ? runQuietly(join(bin, 'node'), ['use.mjs'], elsewhere) : undefined;
  step('loads', output !== undefined);
  if (output !== undefined) {
    const { libraries, ...result } = JSON.parse(output);
    step('computes a convolution and its gradient', isDeepStrictEqual(result, expected));
    const own = join(project, 'node_modules', name);
    const foreign = libraries.filter((path) => !path.startsWith(own));
    step(
      `uses no libraries but its own${foreign.map((path) => ` ${path}`).join('')}`,
      libraries.length === 3 && foreign.length === 0,
    );
    const glibc = newestGlibc(libraries);
    const readme = readFileSync(join(own, 'README.md'), 'utf8');
    step(`the README says that it needs glibc ${glibc}`, readme.includes(`glibc ${glibc} `));
    const licences = readdirSync(join(dirname(libraries[0]), 'licences'));
    step(`their licences are there (${licences.length} files)`, licences.length === 5);
  }
} finally {
  rmSync(base, { recursive: true, force: true });
}
process.exitCode = failed === 0 ? 0 : 1;
