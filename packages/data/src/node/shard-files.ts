import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Split } from '../split.js';
import { splitFolderNames } from './image-folder.js';
import { indexFile } from './shard-index.js';

/** The shards of a split. */
export interface ShardFiles {
  folder: string;
  /** Names of the tar files, sorted. */
  files: string[];
  /** Whether an index lies beside them. */
  indexed: boolean;
}

/**
 * The tar files of a split: those in its folder, or those beside each other with `train`, `val`, … in their names. None
 * where there are folders of classes; tar files beside them are what these came from.
 */
export async function shardFiles(path: string, split: Split): Promise<ShardFiles | undefined> {
  const names = splitFolderNames[split];
  for (const name of names) {
    const found = await tarFiles(join(path, name), () => true);
    if (found.files.length > 0 || found.indexed) return found;
  }
  const beside = await tarFiles(path, (name) => splitNames.includes(name));
  for (const name of names) {
    const files = beside.files.filter((file) => wordsOf(file).includes(name));
    if (files.length > 0) return { ...beside, files, indexed: false };
  }
  return undefined;
}

/** What shards to validate on would be called: they have to lie as those to train on do. */
export async function validationShards(path: string): Promise<string> {
  const training = await shardFiles(path, 'train');
  const isBeside = training?.folder === path;
  const names = splitFolderNames.validation.map((name) => (isBeside ? `…${name}….tar` : `${name}/*.tar`));
  return `${names.slice(0, -1).join(', ')} or ${names.at(-1) as string}`;
}

const wordsOf = (file: string) => file.toLowerCase().split(/[^a-z]+/);
const splitNames: readonly string[] = Object.values(splitFolderNames).flat();

async function tarFiles(folder: string, isOfClasses: (name: string) => boolean): Promise<ShardFiles> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const hasClasses = entries.some((entry) => entry.isDirectory() && isOfClasses(entry.name));
  if (hasClasses) return { folder, files: [], indexed: false };
  const present = entries.map(({ name }) => name).filter((name) => !name.startsWith('.'));
  const files = present.filter((file) => file.endsWith('.tar')).sort();
  return { folder, files, indexed: present.includes(indexFile) };
}
