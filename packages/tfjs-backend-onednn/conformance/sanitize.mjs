// npm run sanitize: the conformance suite and this package's tests on an addon that AddressSanitizer and
// UndefinedBehaviorSanitizer watch. With arguments only the tests, which they go to. Needs Linux and GCC.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gypEnvironment } from '../scripts/build.mjs';
import { findOneDnn } from '../scripts/onednn.mjs';

const home = fileURLToPath(new URL('..', import.meta.url));
const native = join(home, 'native');
const made = join(home, '.cache', 'sanitize');
const addon = join(made, 'bag.node');
const compiler = 'g++';

const oneDnn = findOneDnn();
if (oneDnn === undefined) throw new Error('oneDNN is neither installed nor to be had');
const libraries = ['lib', 'lib64'].map((name) => join(oneDnn, name)).filter(existsSync);

// binding.gyp's flags, less optimised.
const flags = [
  ...['-std=c++17', '-O1', '-g', '-fPIC', '-fopenmp', '-fno-math-errno', '-fno-trapping-math', '-DNAPI_VERSION=8'],
  ...['-fsanitize=address,undefined', '-fno-sanitize-recover=all', '-fno-omit-frame-pointer'],
  ...(process.arch === 'x64' ? ['-march=x86-64-v3'] : []),
];
const includes = [join(gypEnvironment(oneDnn).npm_config_nodedir, 'include', 'node'), join(oneDnn, 'include')];

async function compile(args) {
  const child = spawn(compiler, [...flags, ...args], { stdio: 'inherit' });
  const [status] = await new Promise((resolve) => child.once('close', (...all) => resolve(all)));
  if (status !== 0) throw new Error(`${compiler} failed`);
}

async function build() {
  mkdirSync(made, { recursive: true });
  const names = readdirSync(native);
  const timeOf = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);
  const newestHeader = Math.max(
    ...names.filter((name) => name.endsWith('.h')).map((name) => timeOf(join(native, name))),
  );
  const units = names
    .filter((name) => name.endsWith('.cc'))
    .map((name) => ({ source: join(native, name), object: join(made, name.replace('.cc', '.o')) }));
  const waiting = units.filter(({ source, object }) => timeOf(object) < Math.max(timeOf(source), newestHeader));
  const work = async () => {
    for (let unit = waiting.pop(); unit !== undefined; unit = waiting.pop()) {
      await compile(['-c', unit.source, '-o', unit.object, ...includes.map((folder) => `-I${folder}`)]);
    }
  };
  console.error(`sanitize: compiling ${waiting.length} files …`);
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  const paths = libraries.flatMap((folder) => [`-L${folder}`, `-Wl,-rpath,${folder}`]);
  await compile(['-shared', '-o', addon, ...units.map(({ object }) => object), ...paths, '-ldnnl']);
}

/** Node is not built for the sanitizers: they, and what they intercept exceptions in, must be there before it. */
function environment() {
  const pathOf = (name) => spawnSync(compiler, [`-print-file-name=${name}`], { encoding: 'utf8' }).stdout.trim();
  return {
    ...process.env,
    BAG_ONEDNN_ADDON: addon,
    LD_PRELOAD: ['libasan.so', 'libubsan.so', 'libstdc++.so.6'].map(pathOf).join(':'),
    // Node keeps much of what it allocates until it exits; the suites count the blocks of tensors themselves.
    ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1:abort_on_error=1',
    UBSAN_OPTIONS: 'print_stacktrace=1:halt_on_error=1',
  };
}

function run(name, command, args) {
  console.error(`sanitize: ${name} …`);
  const { status, signal } = spawnSync(command, args, { cwd: home, env: environment(), stdio: 'inherit' });
  if (status !== 0) process.exitCode = 1;
  console.log(`sanitize: ${name}: ${status === 0 ? 'clean' : `failed (${signal ?? status})`}`);
}

await build();
const chosen = process.argv.slice(2);
if (chosen.length === 0) run('conformance', process.execPath, ['conformance/run.mjs']);
run('tests', 'npx', ['vitest', 'run', '--reporter=default', ...chosen]);
