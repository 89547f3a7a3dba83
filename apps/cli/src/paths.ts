import { mkdir, stat } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { UsageError } from './errors.js';

/** A path as a person would write it here: relative below the current folder, else absolute. */
export function shownPath(path: string): string {
  const near = relative('.', path);
  return near === '' || near.startsWith('..') ? resolve(path) : near;
}

/**
 * Nothing is written over.
 * @param name What is there, as the error calls it.
 * @throws UsageError where the path exists.
 */
export async function requireAbsent(path: string, name: string): Promise<void> {
  if ((await stat(path).catch(() => undefined)) === undefined) return;
  throw new UsageError(`${name} is there already; remove it, or choose another --out`);
}

/**
 * Makes a folder and those above it, before any work that would be lost without it. Not by Node's own `recursive`, which
 * never returns where a file system refuses, as /proc does.
 * @throws UsageError where that cannot be.
 */
export async function createFolder(path: string): Promise<void> {
  if ((await stat(path).catch(() => undefined))?.isDirectory() === true) return;
  const parent = dirname(resolve(path));
  if (parent !== resolve(path)) await createFolder(parent);
  try {
    await mkdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST' && (await stat(path)).isDirectory()) return;
    const reason = (error as Error).message.split(',')[0] ?? '';
    throw new UsageError(`cannot make the folder ${path} (${reason}); name another place`, { cause: error });
  }
}
