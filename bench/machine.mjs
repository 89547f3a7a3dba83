// What a result was measured with, and how the peers are found.
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const here = fileURLToPath(new URL('.', import.meta.url));
export const threads = Number(process.env.BAG_NUM_THREADS ?? availableParallelism());
/** The same number of threads for every side. */
export const threadEnvironment = { BAG_NUM_THREADS: `${threads}`, OMP_NUM_THREADS: `${threads}` };

export function machine() {
  return `${cpus()[0]?.model.trim()}, ${threads} threads, ${Math.round(totalmem() / 2 ** 30)} GiB; Node ${process.version}`;
}

/** The Pythons that have PyTorch: those of PYTHONS (separated by colons), or python3 and /usr/bin/python3. */
export function pythonsWithTorch() {
  const candidates = process.env.PYTHONS?.split(':') ?? ['python3', '/usr/bin/python3'];
  const found = new Map();
  for (const python of candidates) {
    try {
      const version = execFileSync(python, ['-W', 'ignore', '-c', 'import torch; print(torch.__version__)'], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
      if (!found.has(version)) found.set(version, python);
    } catch {
      // Has none.
    }
  }
  if (found.size === 0) console.error('no PyTorch: set PYTHONS to a python with it (pip install torch)');
  return [...found].map(([version, python]) => ({ version, python }));
}

/** Builds a peer that is written in C or C++; undefined, with the reason on standard error, where that fails. */
export function compiled(source, flags) {
  const folder = join(here, '.cache');
  mkdirSync(folder, { recursive: true });
  const target = join(folder, source.replace(/\.\w+$/, ''));
  const compiler = source.endsWith('.c') ? (process.env.CC ?? 'cc') : (process.env.CXX ?? 'c++');
  try {
    execFileSync(compiler, ['-O3', '-march=native', '-fopenmp', join(here, 'peers', source), '-o', target, ...flags]);
    return target;
  } catch (error) {
    console.error(`${source} does not compile: ${error.message.split('\n')[0]}`);
    return undefined;
  }
}
