import { existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { EngineError } from '../engine-error.js';
import { addonOf, findPackage, noteOf, type PackageName, packageName, tfjsNodeVersion } from '../packages.js';
import { buildAddon } from './addon.js';
import { addonLoads, check } from './check.js';
import { cudaFromWheels, libraryFromWheel } from './library.js';
import { officialDownload } from './official.js';
import { lastLines, run } from './run.js';

export interface SetUpOptions {
  /** Set up tfjs-node-gpu, over a TensorFlow for CUDA. */
  gpu?: boolean;
  /** With `gpu`: bring NVIDIA's libraries too (2.4 GB), for machines with a driver but without CUDA. */
  cuda?: boolean;
  /** Take the library from the wheel without trying tfjs-node's own download first. */
  wheel?: boolean;
  /** The folder whose node_modules get tfjs-node; by default the current one. */
  project?: string;
  /** Told what is being done, a line each. */
  say?: (line: string) => void;
}

export interface SetUp {
  package: PackageName;
  /** The version of the library that computes. */
  tensorflow: string;
  /** Where it came from: it was there, tfjs-node's own download, or a wheel. */
  from: 'before' | 'official' | 'wheel';
  /** What this machine lacks for it to compute: a driver, CUDA, a GPU. */
  lacks?: string;
}

/**
 * Makes tfjs-node (with `gpu` tfjs-node-gpu) work in a project: installs the package without its script, gets
 * TensorFlow's library by that script where its host can be reached, else from a wheel on PyPI, and builds the addon
 * over it with node-gyp. The GPU's library always comes from the wheel, which is for CUDA 12; the script's, for CUDA
 * 11.2, knows no GPU newer than Ampere. Writes only into the package's own folder in node_modules, and nothing where it
 * works already.
 *
 * @throws EngineError with the step that failed, and what would help.
 * @example
 * await setUpTensorFlow({ project: '/path/to/project' });
 */
export async function setUpTensorFlow(options: SetUpOptions = {}): Promise<SetUp> {
  const { gpu = false, cuda = false, wheel = false, project = process.cwd(), say = () => undefined } = options;
  const name = packageName(gpu);
  const folder = await installed(name, project, say);

  let from: SetUp['from'] = 'before';
  if (!(await isBuilt(folder, project, gpu))) {
    if (!gpu && !wheel) {
      say("trying tfjs-node's own download …");
      if ((await officialDownload(folder)) && (await check(project, gpu)).works) from = 'official';
    }
    if (from === 'before') {
      from = 'wheel';
      if (!hasLibrary(folder, gpu)) {
        say('getting the library from a TensorFlow wheel …');
        await libraryFromWheel(folder, gpu);
      }
      say('building the addon …');
      await buildAddon(folder);
    }
  }
  if (cuda && !existsSync(join(folder, 'deps', 'nvidia'))) {
    say("getting NVIDIA's libraries …");
    await cudaFromWheels(folder);
  }
  const result = await check(project, gpu);
  if (result.works) return { package: name, tensorflow: result.tensorflow, from };
  const tensorflow = noteOf(folder)?.tensorflow ?? 'unknown';
  // Images are often built on machines without the device that they are for.
  if (await onlyLacksDevice(folder, result)) return { package: name, tensorflow, from, lacks: result.why };
  throw new EngineError(
    `${name} is set up and does not work: ${result.why}`,
    `remove ${join(folder, 'deps')} and run this again`,
  );
}

/** Installs tfjs-node without its script, unless it is there. */
async function installed(name: PackageName, project: string, say: (line: string) => void): Promise<string> {
  const base = join(project, 'package.json');
  const found = findPackage(name, base);
  if (found !== undefined) return found;
  say(`installing ${name} …`);
  // npm takes away what is neither saved nor named, and unpacks what is named anew.
  const other = packageName(name === packageName(false));
  const kept = findPackage(other, base);
  const names = kept === undefined ? [name] : [name, other];
  const wanted = names.map((one) => `${one}@${tfjsNodeVersion}`);
  const args = ['install', '--no-save', '--ignore-scripts', '--no-audit', '--no-fund', ...wanted];
  const install = () => run('npm', args, { folder: project });
  const { ok, output } = await (kept === undefined ? install() : keepingBuilt(kept, install));
  const folder = findPackage(name, base);
  if (ok && folder !== undefined) return folder;
  throw new EngineError(`npm does not install ${name}:\n${lastLines(output)}`, 'check the connection to the registry');
}

/** What the set-up has laid into a package survives its installation anew. */
async function keepingBuilt<T>(folder: string, work: () => Promise<T>): Promise<T> {
  const safe = mkdtempSync(join(folder, '..', '.built-'));
  const parts = ['deps', 'lib'].filter((part) => existsSync(join(folder, part)));
  for (const part of parts) renameSync(join(folder, part), join(safe, part));
  try {
    return await work();
  } finally {
    for (const part of parts) {
      rmSync(join(folder, part), { recursive: true, force: true });
      renameSync(join(safe, part), join(folder, part));
    }
    rmSync(safe, { recursive: true });
  }
}

/** Whether addon and library are there and fit together, with or without a device. */
async function isBuilt(folder: string, project: string, gpu: boolean): Promise<boolean> {
  if (!existsSync(addonOf(folder)) || (gpu && !hasLibrary(folder, gpu))) return false;
  const result = await check(project, gpu);
  return result.works || (await onlyLacksDevice(folder, result));
}

const lacksDevice = /finds no NVIDIA driver|finds no GPU|wants CUDA/;

async function onlyLacksDevice(folder: string, { why }: { why: string }): Promise<boolean> {
  return lacksDevice.test(why) && (await addonLoads(folder));
}

/** Whether the wheel's library is there, for a GPU where it is for one. */
function hasLibrary(folder: string, gpu: boolean): boolean {
  const note = noteOf(folder);
  if (note === undefined || !existsSync(join(folder, 'deps', 'lib', 'libtensorflow.so'))) return false;
  return !gpu || note.cuda !== undefined;
}
