import type { Network } from '@bag/network';
import type { StoredTensor } from '@bag/trainer';
import { RunFolder } from '@bag/trainer/node';
import type { Weights } from '@bag/weights';
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { validateConfig } from './config/load.js';
import { recipeDefaults } from './config/recipes.js';
import type { Config } from './config/schema.js';
import { UsageError } from './errors.js';
import { type ForeignOptions, foreignRun } from './foreign-weights.js';
import { buildNetwork } from './network.js';
import type { StoredWeights } from './origin.js';
import type { SavedRun } from './saved-run.js';
import { assignWeights, readWeightsFile } from './weights.js';

/** Keys that runs of earlier versions lack, with what they did. */
const { lossScale, deepStem, stemWidth, averagePoolShortcut, activation } = recipeDefaults.baseline;
const { init, freeze, rateScale, normalization, interpolation } = recipeDefaults.baseline;
const newerKeys: Partial<Config> = {
  ...{ lossScale, deepStem, stemWidth, averagePoolShortcut, activation },
  ...{ init, freeze, rateScale, normalization, interpolation },
  orientation: 'stored',
};

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
 * from a file of weights inside one, or from a file that lies elsewhere, of which `options` say what it is.
 * @throws UsageError where there is no run or no checkpoint yet, or the weights do not fit.
 */
export async function loadRun(
  path: string,
  options: ForeignOptions = {},
): Promise<{ network: Network; run: SavedRun; notes: string[] }> {
  const { weights, run: own } = await storedWeights(path);
  if (own !== undefined && options.model !== undefined) {
    throw new UsageError(`${path} belongs to a run, which knows its model; leave out --model`);
  }
  if (own !== undefined) return { run: own, ...networkOf(own, weights, path) };
  const { run, notes: assumed } = await foreignRun(path, weights, options);
  const { network, notes } = networkOf(run, weights, path);
  return { run, network, notes: [...notes, ...assumed] };
}

/** A run's network with given weights. */
export function networkOf(run: SavedRun, weights: Weights, path: string): { network: Network; notes: string[] } {
  const network = buildNetwork({ ...run.config, zeroGamma: false }, run.classes.length);
  try {
    return { network, notes: assignWeights(network, weights, path) };
  } catch (error) {
    network.dispose();
    throw error;
  }
}

/** The weights of a run's folder or of a file, and the run where there is one. */
export async function storedWeights(path: string): Promise<StoredWeights> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined)
    throw new UsageError(`${path} does not exist; give the folder of a run, or a file of weights`);
  if (found.isDirectory()) {
    const folder = new RunFolder(path);
    const run = await readRun(folder);
    const weights: Weights = {
      format: 'safetensors',
      tensors: await newestWeights(folder),
      layout: 'HWIO',
      metadata: {},
      notes: [],
    };
    return { weights, run };
  }
  const weights = await readWeightsFile(path);
  const around = runAround(path);
  const isRun = around !== undefined && (await stat(join(around, 'config.json')).catch(() => undefined)) !== undefined;
  return { weights, ...(isRun && { run: await readRun(new RunFolder(around)) }) };
}

/** A checkpoint lies in RUN/checkpoints/STEP. */
function runAround(path: string): string | undefined {
  const checkpoints = resolve(dirname(path), '..');
  return basename(checkpoints) === 'checkpoints' ? dirname(checkpoints) : undefined;
}

async function newestWeights(folder: RunFolder): Promise<Record<string, StoredTensor>> {
  const checkpoint = await folder.readCheckpoint();
  if (checkpoint === undefined) {
    throw new UsageError(`${folder.path} has no checkpoint yet; the first is written after an epoch`);
  }
  return checkpoint.ema ?? checkpoint.model;
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
