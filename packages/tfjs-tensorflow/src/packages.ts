import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** The version of tfjs-node that this package is made for. */
export const tfjsNodeVersion = '4.22.0';

export type PackageName = '@tensorflow/tfjs-node' | '@tensorflow/tfjs-node-gpu';

export const packageName = (gpu: boolean): PackageName => (gpu ? '@tensorflow/tfjs-node-gpu' : '@tensorflow/tfjs-node');

/** The command that sets it up. */
export const setUpCommand = (gpu: boolean) => `npx bag-tensorflow${gpu ? ' --gpu' : ''}`;

/**
 * The folder of an installed package as seen from `base`, a file or folder's path; undefined where there is none. By
 * the folders, since the packages resolve to their code alone and that is not to be loaded yet.
 */
export function findPackage(name: string, base: string): string | undefined {
  const folders = createRequire(base).resolve.paths(name) ?? [];
  return folders.map((folder) => join(folder, name)).find((folder) => existsSync(join(folder, 'package.json')));
}

export function versionOf(folder: string): string {
  return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { version: string }).version;
}

/** Where tfjs-node looks for its addon. */
export const addonOf = (folder: string) => join(folder, 'lib', 'napi-v8', 'tfjs_binding.node');

/** What the set-up notes of the library that it laid beside the addon. */
export interface LibraryNote {
  tensorflow: string;
  /** The versions of CUDA and cuDNN that it was built for; absent in a build for processors. */
  cuda?: string;
  cudnn?: string;
}

/** Where the set-up notes what it laid. */
export const noteFile = (folder: string) => join(folder, 'deps', 'library.json');

export function noteOf(folder: string): LibraryNote | undefined {
  const file = noteFile(folder);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as LibraryNote) : undefined;
}
