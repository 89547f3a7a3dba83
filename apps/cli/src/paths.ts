import { relative, resolve } from 'node:path';

/** A path as a person would write it here: relative below the current folder, else absolute. */
export function shownPath(path: string): string {
  const near = relative('.', path);
  return near === '' || near.startsWith('..') ? resolve(path) : near;
}
