import type { Weights } from '@bag/weights';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { mergeConfigs, parseAssignment, resolveConfig } from './config/load.js';
import { type Config, normalizationNames, type PartialConfig } from './config/schema.js';
import { classNames, preprocessingOf } from './data.js';
import { environment } from './environment.js';
import { UsageError } from './errors.js';
import { architectureOf, modelOf, requireActing, variantOf } from './network.js';
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
 * Weights from elsewhere as if a run had trained them; classes are named by a file, by the folders of the data, by the
 * weights themselves, or else by number.
 * @returns The run, and what was assumed.
 * @throws UsageError where the model is not named, or the classes are not as many as the weights have.
 */
export async function foreignRun(
  path: string,
  weights: Weights,
  options: ForeignOptions,
): Promise<{ run: SavedRun; notes: string[] }> {
  const { model, variant, data, set = [] } = options;
  const said = mergeConfigs({ recipe: 'baseline', model, variant } as PartialConfig, ...set.map(parseAssignment));
  const { keys, notes } = foreignKeys(path, weights, said);
  const config = resolveConfig(keys, said, data === undefined ? {} : { data: resolve(data) });
  requireActing(options, config);
  const count = classCount(path, weights, config);
  const classes = await namesOf(config, count, options.classes, ownClasses(weights));
  return { run: { config, classes, images: { train: 0, validation: 0, labels: '' }, versions: environment() }, notes };
}

/**
 * Keys that weights from elsewhere bring with them: how their images were prepared, as their file or else their model's
 * name tells; variant B where a ResNet's name has no letter; shortcuts without parameters.
 * @throws UsageError where nothing says what their model is.
 */
export function foreignKeys(
  path: string,
  weights: Weights,
  said: PartialConfig,
): { keys: PartialConfig; notes: string[] } {
  if (said.model === undefined) {
    throw new UsageError(`${path} lies in no run, so its architecture is unknown; name it with --model`);
  }
  const config = resolveConfig(said, { recipe: 'baseline' });
  const shape = {
    ...(hasLetter(config) ? {} : { variant: config.variant }),
    ...(hasNoShortcutParameters(weights, config) && { shortcut: 'pad' as const }),
  };
  const own = ownPreparation(weights, config);
  if (own !== undefined) return { keys: { ...own, ...shape }, notes: [] };
  const normalization = publishedNormalization(config);
  const assumed = `normalization ${normalization}, as such weights want it; --set normalization=… says otherwise`;
  const notes = said.normalization === undefined ? [assumed] : [];
  return { keys: { normalization, ...shape }, notes };
}

const hasLetter = (config: Config) => {
  const model = modelOf(config);
  return model.kind !== 'resnet' || model.variant !== undefined;
};

/** What "bag export" has written beside the tensors. */
function ownPreparation({ metadata }: Weights, config: Config): PartialConfig | undefined {
  const { mean, inputSize = '' } = metadata;
  const normalization = normalizationNames.find(
    (name) => JSON.stringify(preprocessingOf({ ...config, normalization: name }).normalization.mean) === mean,
  );
  return normalization && { normalization, ...(/^[1-9]\d*$/.test(inputSize) && { imageSize: Number(inputSize) }) };
}

function ownClasses({ metadata: { classes = '' } }: Weights): string[] | undefined {
  try {
    const names: unknown = JSON.parse(classes);
    return Array.isArray(names) ? names.map(String) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Inception-V3's published weights, and timm's MobileNet's, want pixels in [−1, 1]; those of gluon's Inception-V3 and all
 * others the colours of ImageNet. Source: torchvision's and timm's tables of weights.
 */
function publishedNormalization(config: Config): Config['normalization'] {
  const model = modelOf(config);
  const isInception = model.kind === 'inception-v3' || (model.kind === 'mobilenet' && model.activation !== undefined);
  return isInception ? 'inception' : 'torchvision';
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
  if (config.data !== null) return check(await classNames(config), config.data);
  return own?.length === count ? [...own] : Array.from({ length: count }, (_, i) => String(i));
}
