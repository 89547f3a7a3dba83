// npm run build:native: makes the addon in build/Release, if anything that it is made of has changed.
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { environment, root, runQuietly } from '../../../scripts/lib.mjs';
import { findOneDnn, output } from './onednn.mjs';

/** The package's folder. */
export const home = fileURLToPath(new URL('..', import.meta.url));
const release = join(home, 'build', 'Release');
const addon = join(release, 'bag.node');
/** turbo.json names it too, for what runs on the addon. */
const stamp = join(home, 'build', 'made-of');
const require = createRequire(import.meta.url);

/** What the addon is made of, as one hash. */
export function ingredients() {
  const native = readdirSync(join(home, 'native')).sort();
  const files = ['binding.gyp', 'scripts/onednn-wheels.txt', ...native.map((name) => `native/${name}`)];
  const hash = createHash('sha256').update(`${process.version} ${process.arch} ${process.env.ONEDNN_ROOT ?? ''}`);
  for (const file of files) hash.update(`\n${file}\n`).update(readFileSync(join(home, file)));
  return hash.digest('hex');
}

/** A folder with Node's headers in include/node: those beside the executable, else those of node-api-headers. */
function nodeHeaders() {
  const beside = dirname(dirname(process.execPath));
  if (existsSync(join(beside, 'include/node/node_api.h'))) return beside;
  const folder = join(root, '.cache', 'node-headers');
  const include = join(folder, 'include', 'node');
  cpSync(require('node-api-headers').include_dir, include, { recursive: true });
  // What node-gyp looks for beside the headers.
  const defaults = "'default_configuration': 'Release', 'configurations': {'Release': {}}, 'cflags': ['-fPIC']";
  writeFileSync(join(include, 'common.gypi'), `{'target_defaults': {${defaults}}}\n`);
  return folder;
}

/** What node-gyp is told; it must not download anything. */
export function gypEnvironment(oneDnn) {
  return { ...environment, ONEDNN_ROOT: oneDnn, npm_config_nodedir: nodeHeaders(), npm_config_jobs: 'max' };
}

/** Why there can be no native engine here and the command that would change it, or undefined. */
export function obstacle() {
  if (process.platform === 'win32') return ['it is for Linux and macOS', 'wsl --install'];
  const works = (...names) => names.some((name) => output(name, ['--version']) !== undefined);
  const missing = [
    works(process.env.CXX ?? 'c++', 'g++') ? [] : ['g++'],
    works('make') ? [] : ['make'],
    works('python3') ? [] : ['python3'],
  ].flat();
  if (missing.length === 0) return undefined;
  const install = process.platform === 'darwin' ? 'xcode-select --install' : `apt-get install -y ${missing.join(' ')}`;
  return [`no ${missing.join(', no ')}`, install];
}

function refuse(reason, command) {
  // What is left of older sources must not pass for the engine.
  rmSync(stamp, { force: true });
  rmSync(addon, { force: true });
  rmSync(join(home, 'prebuilds'), { recursive: true, force: true });
  console.error(
    `set-up: no native engine, wasm goes on without it: ${reason}; for it run: ${command} && npm run setup`,
  );
  return false;
}

/** Whether a process of this number is alive. */
function lives(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** Runs `work` while no other process runs any: two builds in one folder break each other. */
function alone(work) {
  const lock = join(root, '.cache', 'building');
  mkdirSync(dirname(lock), { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      break;
    } catch {
      if (existsSync(lock) && !lives(Number(readFileSync(lock, 'utf8')))) rmSync(lock, { force: true });
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  try {
    return work();
  } finally {
    rmSync(lock);
  }
}

/** Makes the addon; says why and returns false where it cannot be made. */
export function buildNative() {
  return isFresh(ingredients()) || alone(makeNative);
}

const isFresh = (wanted) =>
  existsSync(addon) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted && libraries().every(existsSync);

/** The libraries beside the addon: links, whose targets may have gone. */
const libraries = () =>
  readdirSync(release)
    .filter((name) => name.includes('.so'))
    .map((name) => join(release, name));

function makeNative() {
  const wanted = ingredients();
  if (isFresh(wanted)) return true;
  const lacks = obstacle();
  if (lacks !== undefined) return refuse(...lacks);

  console.error('set-up: building the native engine …');
  const oneDnn = findOneDnn();
  if (oneDnn === undefined) {
    if (process.env.ONEDNN_ROOT) return refuse('ONEDNN_ROOT has no include/oneapi/dnnl/dnnl.hpp', 'unset ONEDNN_ROOT');
    return refuse('oneDNN is neither installed nor to be had', 'apt-get install -y libdnnl-dev');
  }
  const nodeGyp = [require.resolve('node-gyp/bin/node-gyp.js'), 'configure', 'build', '--release'];
  if (runQuietly(process.execPath, nodeGyp, { cwd: home, env: gypEnvironment(oneDnn) }) === undefined) {
    return refuse('it does not compile, see above', 'npm run build:native -w @bag/tfjs-backend-onednn');
  }
  linkLibrary(oneDnn);
  writeFileSync(stamp, wanted);
  return true;
}

/** Lays oneDNN where the addon looks first, unless the system's loader finds it by itself. */
function linkLibrary(oneDnn) {
  for (const name of readdirSync(release)) if (name.startsWith('libdnnl.')) rmSync(join(release, name));
  if (oneDnn === '/usr') return;
  for (const folder of [join(oneDnn, 'lib'), join(oneDnn, 'lib64')].filter(existsSync)) {
    for (const name of readdirSync(folder).filter((one) => /^libdnnl\.so\.\d+$/.test(one))) {
      symlinkSync(relative(release, join(folder, name)), join(release, name));
    }
  }
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) process.exitCode = buildNative() ? 0 : 1;
