import type { ResNet } from '@bag/resnet-variants';
import { loadParameters, type StoredTensor } from '@bag/trainer';
import { readSafetensors, RunFolder } from '@bag/trainer/node';
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { validateConfig } from './config/load.js';
import { recipeDefaults } from './config/recipes.js';
import type { Config } from './config/schema.js';
import { UsageError } from './errors.js';
import { buildNetwork } from './network.js';

/** What `config.json` of a run holds. */
export interface SavedRun {
  config: Config;
  /** Class names, in the order of the logits. */
  classes: string[];
  /** How many images of each split, and what identifies the training labels. */
  images: { train: number; validation: number; labels: string };
  /** Versions and hardware that the run was made with. */
  versions: Record<string, string>;
}

/** Keys that runs of earlier versions lack, with what they did. */
const newerKeys = { lossScale: recipeDefaults.baseline.lossScale };

/** Reads a run's `config.json`. */
export async function readRun(folder: RunFolder): Promise<SavedRun> {
  let saved: SavedRun;
  try {
    saved = (await folder.readConfig()) as SavedRun;
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  return { ...saved, config: validateConfig({ ...newerKeys, ...(saved as SavedRun | null)?.config }) };
}

/**
 * Loads a trained network: from the folder of a run (its newest checkpoint, the averaged weights where there are any),
 * or from a `.safetensors` file inside one.
 * @throws UsageError where there is no run or no checkpoint yet.
 */
export async function loadRun(path: string): Promise<{ network: ResNet; run: SavedRun }> {
  const { folder, weights } = await locate(path);
  const run = await readRun(folder);
  const stored = weights === undefined ? await newestWeights(folder) : await readWeights(weights);
  const network = buildNetwork(run.config, run.classes.length);
  try {
    loadParameters(network, stored);
  } catch (error) {
    throw new UsageError(`${weights ?? folder.path}: ${(error as Error).message}`);
  }
  return { network, run };
}

async function locate(path: string): Promise<{ folder: RunFolder; weights?: string }> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new UsageError(`${path} does not exist; give the folder of a run`);
  if (found.isDirectory()) return { folder: new RunFolder(path) };
  if (!path.endsWith('.safetensors')) throw new UsageError(`${path} is no run and no .safetensors file`);
  // A checkpoint lies in RUN/checkpoints/STEP.
  const run = resolve(dirname(path), '..', '..');
  if ((await stat(join(run, 'config.json')).catch(() => undefined)) === undefined) {
    throw new UsageError(
      `${path} lies in no run, so its architecture is unknown; give weights in RUN/checkpoints/STEP`,
    );
  }
  return { folder: new RunFolder(run), weights: path };
}

async function newestWeights(folder: RunFolder): Promise<Record<string, StoredTensor>> {
  const checkpoint = await folder.readCheckpoint();
  if (checkpoint === undefined) {
    throw new UsageError(`${folder.path} has no checkpoint yet; the first is written after an epoch`);
  }
  return checkpoint.ema ?? checkpoint.model;
}

async function readWeights(path: string): Promise<Record<string, StoredTensor>> {
  try {
    return await readSafetensors(path);
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

/** What identifies a list of labels. */
export function fingerprint(labels: Int32Array): string {
  return createHash('sha256').update(labels).digest('hex').slice(0, 16);
}

/**
 * A run goes on only with the data that it began with.
 * @throws UsageError saying what is different.
 */
export function requireSameData(
  saved: SavedRun,
  { classes, images }: { classes: readonly string[]; images: SavedRun['images'] },
): void {
  const differences = [
    ...(saved.classes.join() === classes.join() ? [] : ['the classes']),
    ...(saved.images.train === images.train
      ? []
      : [`the number of training images (${saved.images.train} then, ${images.train} now)`]),
    ...(saved.images.validation === images.validation ? [] : ['the number of validation images']),
    ...(saved.images.labels === images.labels ? [] : ['the training labels']),
  ];
  if (differences.length > 0) {
    throw new UsageError(
      `the data has changed since the run began: ${differences.join(', ')}; bring it back, or start a new run`,
    );
  }
}
