// Builds of the addon beside the one that is used, for tests. They need Linux and GCC.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gypEnvironment } from '../scripts/build.mjs';

export const home = fileURLToPath(new URL('..', import.meta.url));
export const compiler = 'g++';
const native = join(home, 'native');

/** Those of binding.gyp, and symbols for debugging. */
const common = [
  ...['-std=c++17', '-g', '-fPIC', '-fopenmp', '-fno-math-errno', '-fno-trapping-math', '-DNAPI_VERSION=8'],
  ...(process.arch === 'x64' ? ['-march=x86-64-v3'] : []),
];

async function compile(args) {
  const child = spawn(compiler, [...common, ...args], { stdio: 'inherit' });
  const [status] = await new Promise((resolve) => child.once('close', (...all) => resolve(all)));
  if (status !== 0) throw new Error(`${compiler} failed`);
}

/**
 * Compiles what has changed since the last time.
 * @param {string} name Of the build's folder in .cache.
 * @param {string} oneDnn The folder with oneDNN's include/ and lib/.
 * @param {string[]} flags Beside those of every build.
 * @returns {Promise<string>} The addon's path, for BAG_ONEDNN_ADDON.
 */
export async function buildAddon(name, oneDnn, flags) {
  const kind = createHash('sha256')
    .update([compiler, oneDnn, ...common, ...flags].join(' '))
    .digest('hex')
    .slice(0, 8);
  const made = join(home, '.cache', `${name}-${kind}`);
  mkdirSync(made, { recursive: true });
  const includes = [join(gypEnvironment(oneDnn).npm_config_nodedir, 'include', 'node'), join(oneDnn, 'include')];
  const names = readdirSync(native);
  const timeOf = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);
  const newestHeader = Math.max(
    ...names.filter((file) => file.endsWith('.h')).map((file) => timeOf(join(native, file))),
  );
  const units = names
    .filter((file) => file.endsWith('.cc'))
    .map((file) => ({ source: join(native, file), object: join(made, file.replace('.cc', '.o')) }));
  const waiting = units.filter(({ source, object }) => timeOf(object) < Math.max(timeOf(source), newestHeader));
  const work = async () => {
    for (let unit = waiting.pop(); unit !== undefined; unit = waiting.pop()) {
      await compile([...flags, '-c', unit.source, '-o', unit.object, ...includes.map((folder) => `-I${folder}`)]);
    }
  };
  console.error(`${name}: compiling ${waiting.length} files …`);
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  const addon = join(made, 'bag.node');
  const libraries = ['lib', 'lib64'].map((folder) => join(oneDnn, folder)).filter(existsSync);
  const paths = libraries.flatMap((folder) => [`-L${folder}`, `-Wl,-rpath,${folder}`]);
  await compile([...flags, '-shared', '-o', addon, ...units.map(({ object }) => object), ...paths, '-ldnnl']);
  return addon;
}
