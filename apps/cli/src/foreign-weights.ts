import type { Weights } from '@bag/weights';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseAssignment, resolveConfig } from './config/load.js';
import type { Config, PartialConfig } from './config/schema.js';
import { classNames } from './data.js';
import { environment } from './environment.js';
import { UsageError } from './errors.js';
import { architectureOf, modelOf, variantOf } from './network.js';
import type { SavedRun } from './saved-run.js';

/** What must be said of weights that lie in no run. */
export interface ForeignOptions {
  model?: string;
  variant?: string;
  /** A file with the name of one class per line, in the order of the logits. */
  classes?: string;
  data?: string;
  set?: string[];
}

/**
 * Weights from elsewhere as if a run had trained them: torchvision's normalisation unless told otherwise, classes named
 * by a file, by the folders of the data, or else by number.
 * @throws UsageError where the model is not named, or the classes are not as many as the weights have.
 */
export async function foreignRun(path: string, weights: Weights, options: ForeignOptions): Promise<SavedRun> {
  const { model, variant, data, set = [] } = options;
  if (model === undefined) {
    throw new UsageError(`${path} lies in no run, so its architecture is unknown; name it with --model`);
  }
  const said = { recipe: 'baseline', model, variant, normalization: 'torchvision' } as PartialConfig;
  const guessed = hasNoShortcutParameters(weights, resolveConfig(said)) ? { shortcut: 'pad' as const } : {};
  const folder = data === undefined ? {} : { data: resolve(data) };
  const config = resolveConfig(said, guessed, folder, ...set.map(parseAssignment));
  const count = classCount(path, weights, config);
  const classes = await namesOf(config, count, options.classes);
  return { config, classes, images: { train: 0, validation: 0, labels: '' }, versions: environment() };
}

/** The well-known checkpoints of CIFAR's ResNets have shortcuts without parameters. */
function hasNoShortcutParameters({ tensors }: Weights, config: Config): boolean {
  if (modelOf(config).family !== 'cifar' || variantOf(config) === 'd') return false;
  return !Object.keys(tensors).some((name) => /downsample|shortcut/.test(name));
}

/** The other extent of the dense layer that takes the network's features. */
function classCount(path: string, { tensors, layout }: Weights, config: Config): number {
  const { features } = architectureOf(config, 2).head;
  const shapes = Object.values(tensors).map(({ shape }) => shape);
  const dense = shapes.filter((shape) => shape.length === 2 && shape.includes(features));
  const [shape] = dense;
  if (shape === undefined) {
    throw new UsageError(
      `${path}: no dense layer takes the ${features} features of ${config.model}; are these another model's weights?`,
    );
  }
  const [a = 0, b = 0] = shape;
  if (a === features && b === features) return features;
  return layout === 'HWIO' || b !== features ? b : a;
}

async function namesOf(config: Config, count: number, file: string | undefined): Promise<string[]> {
  const check = (names: string[], source: string) => {
    if (names.length === count) return names;
    throw new UsageError(`${source} names ${names.length} classes, the weights know ${count}; give the list they have`);
  };
  if (file !== undefined) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined)
      throw new UsageError(`cannot read ${file}; give a file with the name of one class per line`);
    return check(
      text
        .split('\n')
        .map((line) => line.trim())
        .filter((line) => line !== ''),
      file,
    );
  }
  if (config.data !== null) return check(await classNames(config), config.data);
  return Array.from({ length: count }, (_, i) => String(i));
}
