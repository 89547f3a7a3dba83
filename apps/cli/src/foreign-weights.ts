import type { Weights } from '@bag/weights';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { assignments, mergeConfigs, resolveConfig } from './config/load.js';
import type { Config, PartialConfig } from './config/schema.js';
import { classNames } from './data.js';
import { environment } from './environment.js';
import { UsageError } from './errors.js';
import { architectureOf, requireActing } from './network.js';
import { originOf, underlying } from './origin.js';
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
 * Weights from elsewhere as if a run had trained them; classes are named by a file, by the weights themselves, by the
 * folders of the data, or else by number.
 * @returns The run, and what was assumed.
 * @throws UsageError where the model is not named, or the classes are not as many as the weights have.
 */
export async function foreignRun(
  path: string,
  weights: Weights,
  options: ForeignOptions,
): Promise<{ run: SavedRun; notes: string[] }> {
  const { model, variant, data, set = [] } = options;
  const said = mergeConfigs({ recipe: 'baseline', model, variant } as PartialConfig, ...(await assignments(set)));
  const origin = originOf(path, { weights }, said);
  const config = resolveConfig(underlying(origin, said), said, data === undefined ? {} : { data: resolve(data) });
  requireActing(options, config);
  const count = classCount(path, weights, config);
  const classes = await namesOf(config, count, options.classes, origin.classes);
  const run = { config, classes, images: { train: 0, validation: 0, labels: '' }, versions: environment() };
  return { run, notes: origin.isRecorded || said.normalization !== undefined ? [] : [assumption(config)] };
}

/** What is assumed of weights that say nothing themselves. */
export const assumption = ({ normalization }: Config) =>
  `normalization ${normalization}, as such weights want it; --set normalization=… says otherwise`;

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

async function namesOf(
  config: Config,
  count: number,
  file: string | undefined,
  own: readonly string[] | undefined,
): Promise<string[]> {
  const check = (names: string[], source: string) => {
    if (names.length === count) return names;
    throw new UsageError(`${source} names ${names.length} classes, the weights know ${count}; give the list they have`);
  };
  if (file !== undefined) {
    const text = await readFile(file, 'utf8').catch(() => undefined);
    if (text === undefined)
      throw new UsageError(`cannot read ${file}; give a file with the name of one class per line`);
    const names = text.split('\n').map((line) => line.trim());
    return check(
      names.filter((name) => name !== ''),
      file,
    );
  }
  if (own !== undefined) return check([...own], 'the file');
  if (config.data !== null) return check(await classNames(config), config.data);
  return numbered(count);
}

const numbered = (count: number) => Array.from({ length: count }, (_, i) => String(i));

/** Whether classes are only numbered, so that nobody knows what they are. */
export const isNumbered = (classes: readonly string[]) => classes.join() === numbered(classes.length).join();
