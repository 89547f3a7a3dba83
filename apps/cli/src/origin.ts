import type { ModelName } from '@bag/models';
import type { Weights } from '@bag/weights';
import { resolveConfig } from './config/load.js';
import type { Config, PartialConfig } from './config/schema.js';
import { UsageError } from './errors.js';
import { modelOf, variantOf } from './network.js';
import type { SavedRun } from './saved-run.js';

/** Weights, and the run that trained them where there is one. */
export interface StoredWeights {
  weights: Weights;
  run?: SavedRun;
}

/** What is known of where weights come from. */
export interface Origin {
  /** The network's shape, and how images are prepared. */
  keys: PartialConfig;
  /** Names in the order of the logits. */
  classes?: readonly string[];
  /** Whether a run or the file tells that, or it is assumed by the model's name. */
  isRecorded: boolean;
}

/** How images are prepared, beside their size. */
export const preparationKeys = ['normalization', 'orientation', 'interpolation'] as const;

/** The keys that weights bring with them. */
const recordedKeys = [
  'model',
  'variant',
  'shortcut',
  'activation',
  'deepStem',
  'stemWidth',
  'averagePoolShortcut',
  'imageSize',
  ...preparationKeys,
] as const;

/** Where "bag export" writes these keys. */
const recordName = 'configuration';

/**
 * Where weights come from: a run's, those of "bag export", or others', of which the model must be said.
 * @throws UsageError where nothing says what their model is.
 */
export function originOf(path: string, { weights, run }: StoredWeights, said: PartialConfig): Origin {
  if (run !== undefined) return { keys: recordedOf(run.config), classes: run.classes, isRecorded: true };
  return recordIn(weights) ?? { keys: assumedKeys(path, weights, said), isRecorded: false };
}

/** For a file's metadata: what `originOf` finds in it again. */
export function recordFor({ config, classes }: SavedRun): Record<string, string> {
  return { [recordName]: JSON.stringify(recordedOf(config)), classes: JSON.stringify(classes) };
}

/** The keys under what is said: another model has none of theirs but the preparation of images. */
export function underlying({ keys }: Origin, said: PartialConfig): PartialConfig {
  const { model, ...rest } = keys;
  if (said.model === undefined) {
    // A letter in the name would contradict the variant that is asked for.
    return { ...rest, model: said.variant === undefined ? model : model?.replace(/[a-d]$/, '') };
  }
  const wanted = modelOf({ model: said.model });
  const isSame = model === undefined || isSameNetwork(wanted, modelOf({ model }));
  if (!isSame) return Object.fromEntries(preparationKeys.map((key) => [key, keys[key]]));
  return { ...rest, ...(wanted.kind === 'resnet' && wanted.variant !== undefined && { variant: undefined }) };
}

/** But for the variant. */
function isSameNetwork(a: ModelName, b: ModelName): boolean {
  if (a.kind !== 'resnet' || b.kind !== 'resnet') return a.kind === b.kind;
  return a.depth === b.depth;
}

const recordedOf = (config: PartialConfig): PartialConfig =>
  Object.fromEntries(recordedKeys.flatMap((key) => (config[key] === undefined ? [] : [[key, config[key]]])));

function recordIn({ metadata }: Weights): Origin | undefined {
  try {
    const keys = JSON.parse(metadata[recordName] ?? '') as PartialConfig;
    const classes = JSON.parse(metadata['classes'] ?? '') as string[];
    return { keys: recordedOf(keys), classes, isRecorded: true };
  } catch {
    return undefined;
  }
}

/** By the model's name and those of the tensors: the normalisation, B where a ResNet has no letter, the shortcuts. */
function assumedKeys(path: string, weights: Weights, said: PartialConfig): PartialConfig {
  if (said.model === undefined) {
    throw new UsageError(`${path} lies in no run, so its architecture is unknown; name it with --model`);
  }
  const config = resolveConfig(said, { recipe: 'baseline' });
  return {
    variant: config.variant,
    normalization: publishedNormalization(config),
    ...(hasNoShortcutParameters(weights, config) && { shortcut: 'pad' as const }),
  };
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
